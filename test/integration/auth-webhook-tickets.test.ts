import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { Auth, type AuthOptions, signTicket } from "../../extensions/auth/index.ts";
import { eventually } from "../support/eventually.ts";
import { type LocalNode, startLocalNode } from "../support/local-node.ts";
import { signToken, startHttp, testSecret } from "../support/tokens.ts";
import { authenticationFrame } from "../support/wire-frames.ts";

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function startWith(options: AuthOptions): Promise<LocalNode> {
	return startLocalNode({ extensions: [new Auth({ logger: quiet, ...options })] });
}

interface Attempt {
	readonly name?: string;
	readonly token?: string;
	readonly ticket?: string;
}

/** @returns The scope that it was given, or why it was refused. */
async function tryOpen(node: LocalNode, { name = "doc", token, ticket }: Attempt): Promise<string> {
	const client = node.client(name, {
		...(token === undefined ? {} : { token }),
		...(ticket === undefined ? {} : { url: `${node.url}/?ticket=${ticket}` }),
	});
	const answer = await eventually<string | false | undefined>(
		"an answer",
		() =>
			client.denials[0] ??
			client.closes[0]?.reason ??
			(client.provider.isSynced && client.provider.authorizedScope),
	);
	client.destroy();
	return String(answer);
}

describe("a webhook", () => {
	test("says what a token is good for, is told who asks, and is not asked twice in a while", async () => {
		const webhook = await startHttp((response, body) => {
			const { token, documentName } = JSON.parse(body);
			const access = token === "ann" ? "write" : token === "bob" ? "read" : "none";
			response.end(JSON.stringify({ access: documentName === "doc" ? access : "none", user: { id: token } }));
		});
		const node = await startWith({ webhook: { url: webhook.url, secret: testSecret } });
		expect(await tryOpen(node, { token: "ann" })).toBe("read-write");
		expect(await tryOpen(node, { token: "bob" })).toBe("readonly");
		expect(await tryOpen(node, { token: "eve" })).toBe("document-forbidden");
		expect(await tryOpen(node, { token: "ann", name: "other" })).toBe("document-forbidden");
		expect(webhook.requests).toHaveLength(4);
		expect(webhook.requests[0]?.headers.authorization).toBe(`Bearer ${testSecret}`);
		for (let time = 0; time < 3; time += 1) expect(await tryOpen(node, { token: "ann" })).toBe("read-write");
		expect(webhook.requests).toHaveLength(4);
	});

	test("is asked about a cookie, too, and once for many who come at the same moment", async () => {
		const webhook = await startHttp(async (response) => {
			await new Promise((resolve) => setTimeout(resolve, 50));
			response.end('{"access": "write"}');
		});
		const node = await startWith({ webhook: { url: webhook.url, cacheMs: 0 } });
		const answers = await Promise.all(Array.from({ length: 5 }, () => tryOpen(node, { token: "same" })));
		expect(new Set(answers)).toEqual(new Set(["read-write"]));
		expect(webhook.requests.length).toBeLessThan(5);
	});

	test("is told whom the connection is from, through proxies that are trusted", async () => {
		const webhook = await startHttp((response) => void response.end('{"access": "write"}'));
		for (const trustedProxies of ["127.0.0.0/8", "10.0.0.0/8"]) {
			const node = await startLocalNode({ authWebhookUrl: webhook.url, trustedProxies });
			const ws = new WebSocket(node.url, {
				headers: { "X-Forwarded-For": "6.6.6.6, 198.51.100.1", Cookie: "id=7" },
			});
			await new Promise((resolve) => ws.once("open", resolve));
			ws.send(authenticationFrame("doc"));
			await new Promise((resolve) => ws.once("message", resolve));
			ws.terminate();
		}
		const [trusted, untrusted] = webhook.requests.map(({ body }) => JSON.parse(body));
		expect(trusted).toMatchObject({ address: "198.51.100.1", cookie: "id=7", documentName: "doc" });
		expect(untrusted).toMatchObject({ address: "127.0.0.1" });
	});

	test.for([
		["silence", () => {}],
		["an error", (response) => void response.writeHead(500).end("oops")],
		["something that is not JSON", (response) => void response.end("yes")],
		["an access that does not exist", (response) => void response.end('{"access": "admin"}')],
		["no access", (response) => void response.end("{}")],
		["a redirect", (response) => void response.writeHead(302, { Location: "/yes" }).end()],
		["a flood", (response) => void response.end(`{"access": "write", "x": "${"x".repeat(100_000)}"}`)],
	] as const satisfies readonly (readonly [string, Parameters<typeof startHttp>[0]])[])(
		"[ACC1] that answers with %s lets nobody in",
		async ([, answer]) => {
			const webhook = await startHttp(answer);
			const node = await startWith({ webhook: { url: webhook.url, timeoutMs: 300 } });
			expect(await tryOpen(node, { token: "ann" })).toBe("auth-unavailable");
		},
	);

	test.for([
		[401, "token-invalid"],
		[403, "document-forbidden"],
	] as const)("status %s is no", async ([status, reason]) => {
		const webhook = await startHttp((response) => void response.writeHead(status).end());
		const node = await startWith({ webhook: { url: webhook.url } });
		expect(await tryOpen(node, { token: "ann" })).toBe(reason);
	});

	test("is not asked about a JSON Web Token that keys are there for", async () => {
		const webhook = await startHttp((response) => void response.end('{"access": "write"}'));
		const node = await startWith({ jwt: { secret: testSecret }, webhook: { url: webhook.url } });
		expect(await tryOpen(node, { token: await signToken() })).toBe("read-write");
		expect(await tryOpen(node, { token: await signToken({}, { expiresInS: -60 }) })).toBe("token-expired");
		expect(webhook.requests).toEqual([]);
		expect(await tryOpen(node, { token: "of another kind" })).toBe("read-write");
	});

	test("that says no does not keep anybody from what is for everybody, unless they show a token", async () => {
		const webhook = await startHttp((response) => void response.writeHead(403).end());
		const node = await startWith({ webhook: { url: webhook.url }, anonymous: { read: ["*"] } });
		expect(await tryOpen(node, {})).toBe("readonly");
		expect(await tryOpen(node, { token: "bad" })).toBe("document-forbidden");
	});
});

test("for everybody: by pattern, the most specific one decides", async () => {
	const node = await startWith({ anonymous: { read: ["*"], write: ["demo/*", "open"] } });
	expect(await tryOpen(node, { name: "news" })).toBe("readonly");
	expect(await tryOpen(node, { name: "demo/1" })).toBe("read-write");
	expect(await tryOpen(node, { name: "open" })).toBe("read-write");
	const some = await startWith({ anonymous: { write: ["demo/*"] } });
	expect(await tryOpen(some, { name: "news" })).toBe("token-missing");
});

describe("a ticket", () => {
	const tickets = { secret: testSecret };

	test("opens its document, once", async () => {
		const node = await startWith({ tickets });
		const ticket = signTicket(testSecret, { documentName: "doc", permission: "write" });
		expect(await tryOpen(node, { ticket, name: "other" })).toBe("document-forbidden");
		expect(await tryOpen(node, { ticket })).toBe("read-write");
		expect(await tryOpen(node, { ticket })).toBe("ticket-used");
		const read = signTicket(testSecret, { documentName: "doc", permission: "read" });
		expect(await tryOpen(node, { ticket: read })).toBe("readonly");
		expect(await tryOpen(node, {})).toBe("token-missing");
	});

	test("that is made for more than once may be used until it expires", async () => {
		const node = await startWith({ tickets });
		const ticket = signTicket(testSecret, { documentName: "doc", permission: "write", once: false });
		for (let time = 0; time < 3; time += 1) expect(await tryOpen(node, { ticket })).toBe("read-write");
	});

	test("that is changed, of another secret, or too old, opens nothing", async () => {
		const node = await startWith({ tickets });
		const content = { documentName: "doc", permission: "read" } as const;
		const [text = "", signature = ""] = signTicket(testSecret, content).split(".");
		const payload = JSON.parse(Buffer.from(text, "base64url").toString());
		const changed = Buffer.from(JSON.stringify({ ...payload, p: "write" })).toString("base64url");
		const expired = signTicket(testSecret, { ...content, expiresAt: new Date(Date.now() - 1_000) });
		const foreign = signTicket(`${testSecret}!`, content);
		for (const ticket of [`${changed}.${signature}`, `${text}.`, text, "x", expired, foreign])
			expect(await tryOpen(node, { ticket })).toBe("ticket-invalid");
		expect(() =>
			signTicket(testSecret, { ...content, expiresAt: new Date(Date.now() + 2 * 86_400_000) }),
		).toThrow("within a day");
	});

	test("is not taken when too many used ones are to be remembered", async () => {
		const node = await startWith({ tickets: { ...tickets, usedMax: 1 } });
		const make = () => signTicket(testSecret, { documentName: "doc", permission: "write" });
		expect(await tryOpen(node, { ticket: make() })).toBe("read-write");
		expect(await tryOpen(node, { ticket: make() })).toBe("auth-unavailable");
	});
});
