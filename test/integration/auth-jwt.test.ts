import { describe, expect, test } from "vitest";
import { Auth, type AuthOptions } from "../../extensions/auth/index.ts";
import { eventually } from "../support/eventually.ts";
import { type LocalNode, startLocalNode } from "../support/local-node.ts";
import {
	type Algorithm,
	keySetOf,
	makeKey,
	type SigningKey,
	signToken,
	startHttp,
	testSecret,
} from "../support/tokens.ts";

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function startWith(options: AuthOptions): Promise<LocalNode> {
	return startLocalNode({ extensions: [new Auth({ logger: quiet, ...options })] });
}

/** @returns "opened", or why not. */
async function tryOpen(node: LocalNode, token: string | undefined, name = "doc"): Promise<string> {
	const client = node.client(name, token === undefined ? {} : { token });
	const answer = await eventually<string | false | undefined>(
		"an answer",
		() => client.denials[0] ?? client.closes[0]?.reason ?? (client.provider.isSynced && "opened"),
	);
	client.destroy();
	return String(answer);
}

const asymmetric: readonly Algorithm[] = ["RS256", "ES256", "EdDSA"];

test("HS256: the right secret opens, another does not", async () => {
	const node = await startWith({ jwt: { secret: testSecret } });
	expect(await tryOpen(node, await signToken({ sub: "ann" }))).toBe("opened");
	const other = { ...makeKey("HS256"), privateKey: Buffer.from("another secret that is also long enough") };
	expect(await tryOpen(node, await signToken({ sub: "ann" }, { key: other }))).toBe("token-invalid");
	expect(await tryOpen(node, undefined)).toBe("token-missing");
	expect(await tryOpen(node, "not a token")).toBe("token-invalid");
});

test.for(asymmetric)("%s with a public key", async (algorithm) => {
	const key = makeKey(algorithm);
	const node = await startWith({ jwt: { publicKeys: makeKey(algorithm).publicPem + key.publicPem } });
	expect(await tryOpen(node, await signToken({}, { key }))).toBe("opened");
	expect(await tryOpen(node, await signToken({}, { key: makeKey(algorithm) }))).toBe("token-invalid");
});

describe("[ACC1] a token can't choose how it is checked", () => {
	test("a public key is not a secret", async () => {
		const { publicPem } = makeKey("RS256");
		const node = await startWith({ jwt: { publicKeys: publicPem } });
		const forged = { ...makeKey("HS256"), privateKey: Buffer.from(publicPem) };
		expect(await tryOpen(node, await signToken({}, { key: forged }))).toBe("token-invalid");
	});

	test("no signature is none, also beside a key set", async () => {
		const issuer = await startHttp((response) => void response.end('{"keys": []}'));
		const node = await startWith({ jwt: { secret: testSecret, jwksUrl: issuer.url } });
		const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
		for (const alg of ["none", "None", ""])
			expect(await tryOpen(node, `${part({ alg })}.${part({ sub: "ann" })}.`)).toBe("token-invalid");
		expect(issuer.requests).toEqual([]);
	});
});

test("times, issuer and audience count, give or take the clocks' difference", async () => {
	const jwt = {
		secret: testSecret,
		issuer: "https://id.example",
		audience: "notes",
		clockToleranceMs: 5_000,
	};
	const node = await startWith({ jwt });
	const right = { iss: "https://id.example", aud: "notes" };
	const now = Math.floor(Date.now() / 1_000);
	expect(await tryOpen(node, await signToken(right))).toBe("opened");
	expect(await tryOpen(node, await signToken({ ...right, aud: ["other", "notes"] }))).toBe("opened");
	expect(await tryOpen(node, await signToken({ ...right, iss: "https://evil.example" }))).toBe(
		"token-invalid",
	);
	expect(await tryOpen(node, await signToken({ ...right, aud: "other" }))).toBe("token-invalid");
	expect(await tryOpen(node, await signToken({ aud: "notes" }))).toBe("token-invalid");
	expect(await tryOpen(node, await signToken(right, { expiresInS: -10 }))).toBe("token-expired");
	expect(await tryOpen(node, await signToken({ ...right, nbf: now + 60 }))).toBe("token-invalid");
	expect(await tryOpen(node, await signToken({ ...right, nbf: now + 3 }))).toBe("opened");
});

test("[ACC1] claims say what: some documents not at all, some to read, some to write", async () => {
	const node = await startWith({ jwt: { secret: testSecret } });
	const token = await signToken({ allowedDocumentNames: ["mine"], readonlyDocumentNames: ["news/*"] });
	expect(await tryOpen(node, token, "other")).toBe("document-forbidden");
	const editor = await node.client("news/1", { token: await signToken() }).synced();
	await editor.type("headline").saved();
	const reader = await node.client("news/1", { token }).synced();
	expect(reader.provider.authorizedScope).toBe("readonly");
	expect(reader.text.toString()).toBe("headline");
	reader.type(" by a reader");
	await editor.type(" of the day").saved();
	await eventually("the reader to get it", () => reader.text.toString().includes("of the day"));
	expect(editor.text.toString()).toBe("headline of the day");
	expect(reader.provider.hasUnsyncedChanges).toBe(true);
	expect(reader.closes).toEqual([]);
	const writer = await node.client("mine", { token }).synced();
	await writer.type("notes").saved();
});

describe("a key set at a URL", () => {
	async function issue(keys: Map<string, SigningKey>) {
		const state = { isAway: false };
		const server = await startHttp(async (response) => {
			if (state.isAway) response.writeHead(500).end();
			else response.end(await keySetOf(keys));
		});
		return { server, state };
	}

	test("is fetched once, and again for a key that is new", async () => {
		const keys = new Map([
			["one", makeKey("RS256")],
			["curve", makeKey("ES256")],
			["edwards", makeKey("EdDSA")],
		]);
		const { server, state } = await issue(keys);
		const node = await startWith({ jwt: { jwksUrl: server.url, jwksCooldownMs: 0 } });
		for (const [keyId, key] of keys)
			expect(await tryOpen(node, await signToken({}, { key, keyId }))).toBe("opened");
		expect(server.requests).toHaveLength(1);
		const renewed = makeKey("RS256");
		keys.set("two", renewed);
		expect(await tryOpen(node, await signToken({}, { key: renewed, keyId: "two" }))).toBe("opened");
		expect(server.requests).toHaveLength(2);
		// The issuer is away, and its keys are known.
		state.isAway = true;
		expect(await tryOpen(node, await signToken({}, { key: renewed, keyId: "two" }))).toBe("opened");
		expect(await tryOpen(node, await signToken({}, { key: makeKey("RS256"), keyId: "three" }))).toBe(
			"token-invalid",
		);
	});

	test("has several keys of a kind, and the token does not say which", async () => {
		const keys = new Map([
			["one", makeKey("ES256")],
			["two", makeKey("ES256")],
		]);
		const { server } = await issue(keys);
		const node = await startWith({ jwt: { jwksUrl: server.url } });
		for (const key of keys.values()) expect(await tryOpen(node, await signToken({}, { key }))).toBe("opened");
		expect(await tryOpen(node, await signToken({}, { key: makeKey("ES256") }))).toBe("token-invalid");
	});

	test("can't be had: nobody gets in, and is told to try again", async () => {
		const { server, state } = await issue(new Map());
		state.isAway = true;
		const node = await startWith({ jwt: { jwksUrl: server.url } });
		expect(await tryOpen(node, await signToken({}, { key: makeKey("RS256") }))).toBe("auth-unavailable");
	});
});

test("a key that can't be used is refused at the start, without showing it", () => {
	const privateKey = makeKey("RS256").privateKey;
	const pem =
		privateKey instanceof Uint8Array ? "" : privateKey.export({ type: "pkcs8", format: "pem" }).toString();
	expect(() => new Auth({ jwt: { publicKeys: pem } })).toThrow("a private key");
	expect(() => new Auth({ jwt: { publicKeys: "hello" } })).toThrow("no public key");
	expect(() => new Auth({ jwt: { secret: "short" } })).toThrow(
		/^a secret for HS256 must have at least 32 bytes$/,
	);
});

test("an onAuthenticate hook wins: nothing else is asked", async () => {
	const warnings: string[] = [];
	const logger = { ...quiet, warn: (_fields: object, message: string) => void warnings.push(message) };
	const node = await startLocalNode({
		extensions: [new Auth({ jwt: { secret: testSecret }, logger })],
		onAuthenticate: async ({ token }) => {
			if (token !== "open sesame") throw Object.assign(new Error(), { reason: "wrong-word" });
		},
	});
	expect(await tryOpen(node, "open sesame")).toBe("opened");
	expect(await tryOpen(node, await signToken())).toBe("wrong-word");
	expect(warnings).toEqual([expect.stringContaining("onAuthenticate hook decides")]);
});
