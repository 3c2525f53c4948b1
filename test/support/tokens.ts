import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, SignJWT } from "jose";
import { onTestFinished } from "vitest";

/** Long enough for HS256; hidden nowhere, as nothing but tests knows it. */
export const testSecret = "correct horse battery staple, and some more";

export type Algorithm = "HS256" | "RS256" | "ES256" | "EdDSA";

export interface SigningKey {
	readonly algorithm: Algorithm;
	readonly privateKey: KeyObject | Uint8Array;
	/** PEM; empty for HS256. */
	readonly publicPem: string;
	readonly publicKey: KeyObject | undefined;
}

export function makeKey(algorithm: Algorithm): SigningKey {
	if (algorithm === "HS256")
		return { algorithm, privateKey: Buffer.from(testSecret), publicPem: "", publicKey: undefined };
	const { publicKey, privateKey } =
		algorithm === "RS256"
			? generateKeyPairSync("rsa", { modulusLength: 2048 })
			: algorithm === "ES256"
				? generateKeyPairSync("ec", { namedCurve: "P-256" })
				: generateKeyPairSync("ed25519");
	return {
		algorithm,
		privateKey,
		publicKey,
		publicPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
	};
}

export interface TokenOptions {
	readonly key?: SigningKey;
	readonly keyId?: string;
	/** From now; an hour by default, none with `null`. */
	readonly expiresInS?: number | null;
}

const secretKey = makeKey("HS256");

/** A token with these claims. */
export function signToken(
	claims: Record<string, unknown> = {},
	{ key = secretKey, keyId, expiresInS = 3_600 }: TokenOptions = {},
): Promise<string> {
	const token = new SignJWT(claims).setProtectedHeader({
		alg: key.algorithm,
		...(keyId === undefined ? {} : { kid: keyId }),
	});
	if (!("iat" in claims)) token.setIssuedAt();
	if (expiresInS !== null) token.setExpirationTime(Math.floor(Date.now() / 1_000) + expiresInS);
	return token.sign(key.privateKey);
}

/** The public keys as an issuer publishes them. */
export async function keySetOf(keys: ReadonlyMap<string, SigningKey>): Promise<string> {
	const entries = await Promise.all(
		[...keys].map(async ([kid, { publicKey, algorithm }]) =>
			publicKey === undefined ? [] : [{ ...(await exportJWK(publicKey)), kid, alg: algorithm, use: "sig" }],
		),
	);
	return JSON.stringify({ keys: entries.flat() });
}

export interface TestServer {
	readonly url: string;
	/** Of each request, oldest first. */
	readonly requests: { readonly headers: IncomingMessage["headers"]; readonly body: string }[];
	close(): Promise<void>;
}

/** An HTTP server on a free port that goes when the test ends. */
export async function startHttp(
	answer: (response: ServerResponse, body: string) => void | Promise<void>,
): Promise<TestServer> {
	const requests: TestServer["requests"] = [];
	const server = createServer(async (request, response) => {
		let body = "";
		for await (const chunk of request) body += chunk;
		requests.push({ headers: request.headers, body });
		await answer(response, body);
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const close = () =>
		new Promise<void>((resolve) => {
			server.close(() => resolve());
			server.closeAllConnections();
		});
	onTestFinished(close);
	return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, requests, close };
}
