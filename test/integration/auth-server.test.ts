import { copyFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { createNode } from "../../server/index.ts";
import { makeCertificates } from "../support/certificates.ts";
import { openClient } from "../support/client.ts";
import { runCommand } from "../support/command-line.ts";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { freePort, type NodeProcess, startNodeProcess } from "../support/node-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { makeKey, signToken, startHttp, testSecret } from "../support/tokens.ts";

const adminToken = "the operator's very own token";

async function startProcess(
	environment: Record<string, string>,
	flags: readonly string[] = [],
): Promise<NodeProcess> {
	const node = await startNodeProcess({ data: temporaryFolder(), environment, flags });
	onTestFinished(async () => void (await node.stop("SIGKILL")));
	return node;
}

describe("a node that nothing protects", () => {
	test("says so loudly when it listens elsewhere than on this machine", async () => {
		const open = await startProcess({}, ["--host", "0.0.0.0"]);
		await eventually("it to be said", () => open.output().includes("EVERYBODY who reaches this address"));
	});

	test("says nothing on this machine, or when it is protected", async () => {
		const local = await startProcess({});
		const guarded = await startProcess({ INDELIBLE_AUTH_JWT_SECRET: testSecret }, ["--host", "0.0.0.0"]);
		for (const node of [local, guarded]) {
			await eventually("it to listen", () => node.output().includes("listening"));
			expect(node.output()).not.toContain("EVERYBODY");
		}
	});

	test("does not start with --require-auth, and says what to give", async () => {
		const { code, errors } = await runCommand(["start", "--require-auth", "--data", temporaryFolder()]);
		expect(code).toBe(2);
		expect(errors).toContain("--require-auth (from the command line)");
		expect(errors).toContain("--auth-jwt-secret");
		await expect(createNode({ requireAuth: true, data: temporaryFolder() })).rejects.toThrow(
			"nothing says who may do what",
		);
		const node = await startLocalNode({ requireAuth: true, onAuthenticate: async () => ({}) });
		await node.client("doc").synced();
	});
});

test.for([
	["a short secret", { INDELIBLE_AUTH_JWT_SECRET: "hunter2hunter2" }, "at least 32 bytes"],
	[
		"a key file that is not there",
		{ INDELIBLE_AUTH_JWT_PUBLIC_KEY: "/nowhere.pem" },
		'INDELIBLE_AUTH_JWT_PUBLIC_KEY (from the environment) names "/nowhere.pem", which can\'t be read: there is no such file',
	],
	["an address that is none", { INDELIBLE_AUTH_WEBHOOK_URL: "localhost:80/hunter2hunter2" }, "a URL like"],
	["an admin token that is too short", { INDELIBLE_ADMIN_TOKEN: "hunter2hunter2" }, "at least 16 characters"],
	[
		"an admin token that no header carries",
		{ INDELIBLE_ADMIN_TOKEN: "hunter2-hunter2-größer" },
		"16 characters of ASCII",
	],
	[
		"an admin token with the end of its file's line",
		{ INDELIBLE_ADMIN_TOKEN: "hunter2hunter2hunter2\n" },
		"without spaces at the ends",
	],
	[
		"an audience that nothing checks",
		{ INDELIBLE_AUTH_AUDIENCE: "docs" },
		"which nothing checks: give INDELIBLE_AUTH_JWT_SECRET",
	],
	["access that no token gives", { INDELIBLE_AUTH_DEFAULT_ACCESS: "none" }, "which nothing checks"],
	[
		"a webhook's secret without it",
		{ INDELIBLE_AUTH_WEBHOOK_SECRET: "hunter2".repeat(5) },
		"without INDELIBLE_AUTH_WEBHOOK_URL",
	],
	[
		"a certificate without a key",
		{ INDELIBLE_TLS_CERT: "x.pem" },
		"INDELIBLE_TLS_CERT (from the environment) needs INDELIBLE_TLS_KEY",
	],
] as const)("%s ends the start with a reason, and is not shown", async ([, environment, reason]) => {
	const { code, errors, output } = await runCommand(["start", "--data", temporaryFolder(), "--port", "0"], {
		environment,
	});
	expect(code).toBe(2);
	expect(errors).toContain(reason);
	expect(errors + output).not.toContain("hunter2");
});

test("settings: a public key in a file, permissions in the token", async () => {
	const key = makeKey("ES256");
	const file = join(temporaryFolder(), "key.pem");
	writeFileSync(file, key.publicPem);
	const node = await startProcess({ INDELIBLE_AUTH_JWT_PUBLIC_KEY: file, INDELIBLE_AUTH_ISSUER: "me" });
	const client = openClient({
		url: node.url,
		name: "a",
		token: await signToken({ iss: "me", permissions: { "*": "read" } }, { key }),
	});
	onTestFinished(() => client.destroy());
	await client.synced();
	expect(client.provider.authorizedScope).toBe("readonly");
});

describe("POST /api/auth/revoke", () => {
	const revoke = (node: NodeProcess, body: unknown, token: string | null = adminToken) =>
		fetch(`http://127.0.0.1:${node.port}/api/auth/revoke`, {
			method: "POST",
			headers: token === null ? {} : { Authorization: `Bearer ${token}` },
			body: JSON.stringify(body),
		});

	test("ends connections for whoever has the admin token, and for nobody else", async () => {
		const node = await startProcess({
			INDELIBLE_AUTH_JWT_SECRET: testSecret,
			INDELIBLE_ADMIN_TOKEN: adminToken,
		});
		const token = await signToken({ sub: "ann", iat: Math.floor(Date.now() / 1_000) - 10 });
		const ann = openClient({ url: node.url, name: "doc", token });
		onTestFinished(() => ann.destroy());
		await ann.synced();
		const request = { user: "ann", action: "close" };
		for (const wrong of [null, "", "wrong", `${adminToken}!`, testSecret])
			expect((await revoke(node, request, wrong)).status).toBe(401);
		for (const wrong of [
			{},
			{ action: "close" },
			{ user: "ann" },
			{ ...request, also: 1 },
			"ann",
			{ ...request, user: 7 },
		])
			expect((await revoke(node, wrong)).status).toBe(400);
		expect(ann.closes).toEqual([]);
		const answer = await revoke(node, request);
		expect(answer.status).toBe(200);
		expect(await answer.json()).toEqual({ connections: 1 });
		await eventually("the end", () => ann.closes.length > 0);
	});

	test("is not there without an admin token", async () => {
		const node = await startProcess({});
		expect((await revoke(node, { user: "ann", action: "close" })).status).toBe(404);
	});
});

test("origins: a page that is not on the list is refused with 403 before there is a WebSocket", async () => {
	const node = await startLocalNode({ allowedOrigins: "https://app.example, https://*.team.example" });
	const answer = (origin: string | undefined) =>
		new Promise<number>((resolve, reject) => {
			const ws = new WebSocket(node.url, origin === undefined ? {} : { origin });
			ws.once("open", () => {
				resolve(101);
				ws.terminate();
			});
			ws.once("unexpected-response", (_request, response) => {
				resolve(response.statusCode ?? 0);
				ws.terminate();
			});
			ws.once("error", reject);
		});
	expect(await answer("https://app.example")).toBe(101);
	expect(await answer("https://a.team.example")).toBe(101);
	expect(await answer(undefined)).toBe(101);
	expect(await answer("https://evil.example")).toBe(403);
	expect(await answer("null")).toBe(403);
});

test("a client that is too old is told so, one that is new enough is not", async () => {
	const strict = await startLocalNode({ clientVersionMin: "99" });
	const old = strict.client("doc");
	await eventually("the refusal", () => old.denials.length > 0);
	expect(old.denials).toEqual(["client-outdated"]);
	const lenient = await startLocalNode({ clientVersionMin: "4.2" });
	await lenient.client("doc").synced();
});

describe("TLS", () => {
	/** @returns Which certificate a new connection is shown. */
	const fingerprint = (port: number, authority: string) =>
		new Promise<string>((resolve, reject) => {
			const asked = request(
				{ port, host: "127.0.0.1", path: "/healthz", ca: authority, agent: false },
				(response) => {
					resolve((response.socket as TLSSocket).getPeerCertificate().fingerprint256);
					response.resume();
				},
			);
			asked.once("error", reject).end();
		});

	test("a new certificate is taken up, open connections stay, and one that does not fit changes nothing", async () => {
		const [first, second] = [makeCertificates(), makeCertificates()];
		const folder = temporaryFolder();
		const files = { certificate: join(folder, "cert.pem"), key: join(folder, "key.pem") };
		copyFileSync(first.certificate, files.certificate);
		copyFileSync(first.key, files.key);
		const port = await freePort();
		const { spawn } = await import("node:child_process");
		const child = spawn(
			process.execPath,
			[
				"bin/indelible.js",
				"start",
				"--no-demo",
				"--port",
				String(port),
				"--data",
				temporaryFolder(),
				"--tls-cert",
				files.certificate,
				"--tls-key",
				files.key,
			],
			{ stdio: ["ignore", "pipe", "pipe"] },
		);
		onTestFinished(() => void child.kill("SIGKILL"));
		let output = "";
		child.stdout.on("data", (chunk) => (output += chunk));
		const before = await eventually("HTTPS", () => fingerprint(port, first.authorityText));
		const ws = new WebSocket(`wss://127.0.0.1:${port}`, { ca: first.authorityText });
		await new Promise((resolve) => ws.once("open", resolve));
		copyFileSync(second.certificate, files.certificate);
		await eventually("the complaint", () => output.includes("the old one stays"));
		expect(await fingerprint(port, first.authorityText)).toBe(before);
		copyFileSync(second.key, files.key);
		const after = await eventually("the new certificate", () => fingerprint(port, second.authorityText));
		expect(after).not.toBe(before);
		expect(ws.readyState).toBe(WebSocket.OPEN);
		ws.terminate();
	});
});

test("[ACC5] no secret and no token is in anything that a node prints or measures", async () => {
	const secrets = {
		INDELIBLE_AUTH_JWT_SECRET: "jwt-needle-jwt-needle-jwt-needle-jwt",
		INDELIBLE_AUTH_TICKET_SECRET: "ticket-needle-ticket-needle-ticket-needle",
		INDELIBLE_AUTH_WEBHOOK_SECRET: "webhook-needle-webhook-needle-webhook",
		INDELIBLE_ADMIN_TOKEN: "admin-needle-admin-needle",
	};
	const webhook = await startHttp((response) => void response.writeHead(500).end("body-needle"));
	const node = await startProcess(
		{
			...secrets,
			INDELIBLE_AUTH_WEBHOOK_URL: `${webhook.url}?key=address-needle`,
			INDELIBLE_LOG_LEVEL: "trace",
		},
		["--host", "0.0.0.0"],
	);
	const { makeTicket, makeTokens } = {
		makeTicket: () => "ticket-in-url-needle.signature-needle",
		makeTokens: async () => {
			const key = { ...makeKey("HS256"), privateKey: Buffer.from(secrets.INDELIBLE_AUTH_JWT_SECRET) };
			return [
				await signToken({ sub: "subject-needle", name: "name-needle" }, { key }),
				await signToken({ sub: "subject-needle" }, { key, expiresInS: -100 }),
				await signToken({ sub: "subject-needle", permissions: "claim-needle" }, { key }),
				await signToken({ sub: "subject-needle" }),
				"opaque-token-needle",
				"not.a-needle.jwt",
			];
		},
	};
	const tokens = await makeTokens();
	for (const token of tokens) {
		const client = openClient({ url: node.url, name: "doc", token });
		await eventually(
			"an answer",
			() => client.provider.isSynced || client.denials.length > 0 || client.closes.length > 0,
		);
		if (client.provider.isSynced) {
			client.provider.setAwarenessField("user", { name: "cursor-needle" });
			await client.type("content-needle").saved();
			await client.provider.sendToken();
		}
		client.destroy();
	}
	const guest = openClient({ url: `${node.url}/?ticket=${makeTicket()}`, name: "doc" });
	await eventually("the refusal", () => guest.denials.length > 0);
	guest.destroy();
	const base = `http://127.0.0.1:${node.port}`;
	const texts: string[] = [];
	for (const [path, authorization] of [
		["/api/auth/revoke", `Bearer ${secrets.INDELIBLE_ADMIN_TOKEN}`],
		["/api/auth/revoke", "Bearer wrong-admin-needle"],
	] as const) {
		const body = JSON.stringify({ user: "subject-needle", action: "close" });
		texts.push(
			await (
				await fetch(`${base}${path}`, { method: "POST", body, headers: { Authorization: authorization } })
			).text(),
		);
	}
	for (const path of ["/metrics", "/readyz", "/healthz"])
		texts.push(await (await fetch(`${base}${path}`)).text());
	await node.stop();
	for (const line of [
		'type="granted",detail="write"',
		'type="refused",detail="token-expired"',
		'type="revoked",detail="close"',
	])
		expect(texts.join("\n")).toContain(`indelible_access_events_total{${line}}`);
	const everything = [node.output(), ...texts].join("\n");
	expect(everything).toContain("a client was refused");
	const [line] = everything
		.split("\n")
		.filter((text) => text.includes("needle") || tokens.some((token) => text.includes(token)));
	expect(line).toBeUndefined();
});
