import { createPublicKey, type KeyObject } from "node:crypto";
import type { JWTPayload, JWTVerifyOptions } from "jose";
import type { Access } from "./access.ts";
import { accessByClaims } from "./claims.ts";
import { jose } from "./jose.ts";
import { type KeySet, remoteKeySet } from "./key-set.ts";
import { refuseUnknown } from "./known-options.ts";
import { loadSchemas } from "./load-schemas.ts";
import { checkedSecret } from "./secret.ts";
import { type Authority, type Credentials, refused, type Verdict } from "./verdict.ts";

export interface JwtOptions {
	/** Shared with whoever signs (HS256): at least 32 bytes in UTF-8, as RFC 7518 section 3.2 demands. */
	readonly secret?: string | undefined;
	/** One or several public keys or certificates in PEM, one after the other: RSA (RS256), P-256 (ES256), Ed25519 (EdDSA). */
	readonly publicKeys?: string | undefined;
	/** Where the issuer publishes its public keys (JSON Web Key Set). They are fetched, kept and renewed. */
	readonly jwksUrl?: string | undefined;
	/** What `iss` must be. */
	readonly issuer?: string | undefined;
	/** What `aud` must be or hold. */
	readonly audience?: string | undefined;
	/** How far clocks may differ, in ms; 5 s by default. */
	readonly clockToleranceMs?: number | undefined;
	/** What a token may do that says nothing of documents; "write", as is usual. */
	readonly defaultAccess?: Access | undefined;
	/** Shortest time between two fetches of the key set because of a key that is not in it, in ms; 5 s by default. */
	readonly jwksCooldownMs?: number | undefined;
}

const optionNames: Readonly<Record<keyof JwtOptions, true>> = {
	secret: true,
	publicKeys: true,
	jwksUrl: true,
	issuer: true,
	audience: true,
	clockToleranceMs: true,
	defaultAccess: true,
	jwksCooldownMs: true,
};

/** A key and the only algorithms that it is used with: whoever writes a token can't choose. */
interface PinnedKey {
	readonly algorithms: readonly string[];
	readonly key: KeyObject | Uint8Array | KeySet;
}

const tokenCharactersMax = 16_384;
/** jose calls EdDSA with Ed25519 by its newer name as well (RFC 9864). */
const edDsa = ["EdDSA", "Ed25519"];

/** Judges JSON Web Tokens by their signature and their claims. */
export class JwtAuthority implements Authority {
	readonly #keys: readonly PinnedKey[];
	readonly #options: JWTVerifyOptions;
	readonly #defaultAccess: Access | undefined;

	/** @throws {TypeError} when a key can't be used, with a message that holds nothing of it. */
	constructor(options: JwtOptions) {
		refuseUnknown("jwt of Auth", options, optionNames);
		const { secret, publicKeys, jwksUrl, jwksCooldownMs, ...rest } = options;
		this.#keys = [
			...(secret === undefined ? [] : [pinSecret(secret)]),
			...(publicKeys === undefined ? [] : pinPublicKeys(publicKeys)),
			...(jwksUrl === undefined
				? []
				: [{ algorithms: ["RS256", "ES256", ...edDsa], key: remoteKeySet(jwksUrl, jwksCooldownMs) }]),
		];
		const { issuer, audience, clockToleranceMs = 5_000, defaultAccess } = rest;
		this.#options = {
			clockTolerance: clockToleranceMs / 1_000,
			...(issuer === undefined ? {} : { issuer }),
			...(audience === undefined ? {} : { audience }),
		};
		this.#defaultAccess = defaultAccess;
	}

	/** Whether a token looks like one for us to judge; others are somebody else's. */
	static isJwt(token: string): boolean {
		return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token);
	}

	async judge({ token, documentName }: Credentials): Promise<Verdict> {
		if (token === "") return refused("token-missing", "there is no token");
		if (token.length > tokenCharactersMax) return refused("token-invalid", "the token is too long");
		let verdict = refused("token-invalid", "no key is for the token's algorithm");
		for (const key of this.#keys) {
			if (!key.algorithms.includes(algorithmOf(token))) continue;
			verdict = await this.#judgeWith(key, token, documentName);
			// Another key may fit, or may be known.
			if (verdict.type === "granted" || !isAboutKey(verdict)) return verdict;
		}
		return verdict;
	}

	async #judgeWith({ key, algorithms }: PinnedKey, token: string, documentName: string): Promise<Verdict> {
		try {
			const options = { ...this.#options, algorithms: [...algorithms] };
			const payload = await verify(token, key, options);
			const { claimsSchema } = await loadSchemas();
			const claims = claimsSchema.safeParse(payload);
			if (!claims.success) {
				const names = claims.error.issues.map(({ path }) => String(path[0]));
				return refused(
					"token-invalid",
					`the claim ${[...new Set(names)].join(" and ")} is not as it should be`,
				);
			}
			const { sub, name, exp, iat } = claims.data;
			const access = accessByClaims(claims.data, documentName, this.#defaultAccess);
			if (access.level === "none") return refused("document-forbidden", "the token is not for this document");
			const grant = {
				access,
				identity: { id: sub, name },
				expiresAtMs: exp === undefined ? undefined : exp * 1_000,
				issuedAtMs: iat === undefined ? undefined : iat * 1_000,
			};
			return { type: "granted", grant };
		} catch (error) {
			return refusalFor(error as Error);
		}
	}
}

async function verify(token: string, key: PinnedKey["key"], options: JWTVerifyOptions): Promise<JWTPayload> {
	const { errors, jwtVerify } = jose();
	if (typeof key !== "function") return (await jwtVerify(token, key, options)).payload;
	try {
		return (await jwtVerify(token, key, options)).payload;
	} catch (error) {
		if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
		// The token does not name its key, and the issuer has several of this kind.
		for await (const candidate of error) {
			try {
				return (await jwtVerify(token, candidate, options)).payload;
			} catch (failure) {
				if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure;
			}
		}
		throw new errors.JWSSignatureVerificationFailed();
	}
}

const wrongSignature = "the signature is not by a key that is known here";

function isAboutKey(verdict: Verdict): boolean {
	return (
		verdict.type === "refused" && (verdict.why === wrongSignature || verdict.reason === "auth-unavailable")
	);
}

/** The messages of jose's errors name claims and checks; the errors themselves may hold the whole token. */
function refusalFor(error: Error): Verdict {
	const { errors } = jose();
	if (error instanceof errors.JWTExpired) return refused("token-expired", "the token has expired");
	if (error instanceof errors.JWTClaimValidationFailed)
		return refused("token-invalid", `the claim ${error.claim} is not as it should be`);
	if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey)
		return refused("token-invalid", wrongSignature);
	const isOfToken = [
		errors.JWTInvalid,
		errors.JWSInvalid,
		errors.JOSEAlgNotAllowed,
		errors.JOSENotSupported,
	].some((kind) => error instanceof kind);
	if (isOfToken) return refused("token-invalid", "the token can't be read");
	return refused("auth-unavailable", `the issuer's keys can't be had: ${error.message}`);
}

/** What the token says of itself; only to find the key that says whether it is true. */
function algorithmOf(token: string): string {
	try {
		const header: unknown = JSON.parse(Buffer.from(token.split(".", 1)[0] ?? "", "base64url").toString());
		const { alg } = Object(header) as { alg?: unknown };
		return typeof alg === "string" ? alg : "";
	} catch {
		return "";
	}
}

function pinSecret(secret: string): PinnedKey {
	return { algorithms: ["HS256"], key: new TextEncoder().encode(checkedSecret(secret, "HS256")) };
}

function pinPublicKeys(pem: string): PinnedKey[] {
	if (pem.includes("PRIVATE KEY"))
		throw new TypeError("it holds a private key, which belongs to whoever signs; give the public one");
	const blocks = pem.match(/-----BEGIN [A-Z0-9 ]+-----[\s\S]+?-----END [A-Z0-9 ]+-----/g) ?? [];
	if (blocks.length === 0) throw new TypeError("it holds no public key in PEM");
	return blocks.map((block) => {
		let key: KeyObject;
		try {
			key = createPublicKey(block);
		} catch {
			throw new TypeError("it holds something that is not a public key in PEM");
		}
		return { algorithms: algorithmsFor(key), key };
	});
}

function algorithmsFor({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): readonly string[] {
	const { modulusLength = 0, namedCurve } = asymmetricKeyDetails ?? {};
	if (asymmetricKeyType === "rsa" && modulusLength >= 2_048) return ["RS256"];
	if (asymmetricKeyType === "ec" && namedCurve === "prime256v1") return ["ES256"];
	if (asymmetricKeyType === "ed25519") return edDsa;
	throw new TypeError("the key must be RSA with 2048 bits or more, P-256 or Ed25519");
}
