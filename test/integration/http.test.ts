import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import { getRequestListener } from "@hono/node-server";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { createHttp, type HttpOptions } from "../../server/http.ts";
import { type PlainAnswersOptions, plainAnswers } from "../../server/plain-answers.ts";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { startNodeProcess } from "../support/node-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

interface Answer {
	readonly status: number | undefined;
	readonly headers: IncomingHttpHeaders;
	readonly body: string;
	readonly bytes: Buffer;
}

type Ask = (
	path: string,
	options?: { method?: string; headers?: Record<string, string>; body?: string },
) => Promise<Answer>;

/** Asks for exactly the path that it is given; `fetch` would tidy it up first. */
function asking(port: number): Ask {
	return async (path, { method = "GET", headers = {}, body } = {}) => {
		const asked = request({ port, host: "127.0.0.1", path, method, headers, agent: false });
		asked.end(body);
		const [response] = await once(asked, "response");
		const chunks: Buffer[] = [];
		for await (const chunk of response) chunks.push(chunk);
		const bytes = Buffer.concat(chunks);
		return { status: response.statusCode, headers: response.headers, body: bytes.toString(), bytes };
	};
}

async function serve({
	readiness = () => ({ ready: true, reasons: [] }),
	...options
}: HttpOptions & Partial<PlainAnswersOptions> = {}): Promise<Ask> {
	const answerPlainly = plainAnswers({ ...options, readiness });
	const answer = getRequestListener(createHttp(options).fetch);
	const server = createServer(async (request, response) => {
		if (!(await answerPlainly(request, response))) await answer(request, response);
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	onTestFinished(() => {
		server.close();
		server.closeAllConnections();
	});
	return asking((server.address() as AddressInfo).port);
}

const index = "<!doctype html><title>The editor</title>";
const script = `console.log(${JSON.stringify("a line of the app ".repeat(200))});`;
const secret = "not to be served";

/** What a build of the demo leaves, and something beside it that is nobody's business. */
function builtDemo(): string {
	const folder = temporaryFolder();
	const demo = join(folder, "demo");
	mkdirSync(join(demo, "assets"), { recursive: true });
	const files = {
		"index.html": index,
		"icon.svg": "<svg/>",
		"assets/app-1a2b.js": script,
		"assets/app-1a2b.js.br": brotliCompressSync(script),
		"assets/app-1a2b.js.gz": gzipSync(script),
		"assets/font.woff2": "font",
		"../secret.txt": secret,
		"../demo.sha256": secret,
	};
	for (const [name, content] of Object.entries(files)) writeFileSync(join(demo, name), content);
	return demo;
}

describe("health", () => {
	test("/healthz says that the process is alive, and is never kept by caches", async () => {
		const ask = await serve();
		const { status, headers, body } = await ask("/healthz");
		expect({ status, body: JSON.parse(body) }).toEqual({ status: 200, body: { status: "alive" } });
		expect(headers["cache-control"]).toBe("no-store");
		expect(headers["content-type"]).toMatch(/^application\/json/);
	});

	test("/readyz is 200 when the node can take work, and 503 with its reasons when not", async () => {
		let reasons: string[] = [];
		const ask = await serve({ readiness: () => ({ ready: reasons.length === 0, reasons }) });
		expect(await ask("/readyz")).toMatchObject({ status: 200, body: `{"ready":true,"reasons":[]}` });
		reasons = ["the moon is full"];
		const { status, headers, body } = await ask("/readyz");
		expect({ status, body }).toEqual({ status: 503, body: `{"ready":false,"reasons":["the moon is full"]}` });
		expect(headers["cache-control"]).toBe("no-store");
	});

	test("[DUR3] while the store fails /readyz says why, and /healthz that the process is alive", async () => {
		const { node, store, client } = await startLocalNode();
		const ask = await serve({ readiness: () => node.readiness() });
		const writer = await client("doc").synced();
		store.fail();
		writer.type("text");
		const failing = await eventually("the node to notice", async () => {
			const answer = await ask("/readyz");
			return answer.status === 503 ? answer : undefined;
		});
		expect(JSON.parse(failing.body)).toEqual({
			ready: false,
			reasons: [expect.stringContaining("the disk is full (SQLITE_FULL)")],
		});
		expect((await ask("/healthz")).status).toBe(200);
		store.recover();
		await writer.saved();
		expect((await ask("/readyz")).status).toBe(200);
	});

	test("[TRN3] while the node drains /readyz says so, until the end", async () => {
		const node = await startNodeProcess({
			data: temporaryFolder(),
			flags: ["--drain-window-ms", "0", "--shutdown-deadline-ms", "600000"],
		});
		onTestFinished(() => void node.child.kill("SIGKILL"));
		const ask = asking(node.port);
		const stubborn = new WebSocket(node.url);
		onTestFinished(() => stubborn.terminate());
		await once(stubborn, "open");
		stubborn.pause();
		const stopped = node.stop("SIGTERM");
		const draining = await eventually("the node to drain", async () => {
			const answer = await ask("/readyz");
			return answer.status === 503 ? answer : undefined;
		});
		expect(JSON.parse(draining.body)).toEqual({ ready: false, reasons: ["the node is draining"] });
		expect((await ask("/healthz")).status).toBe(200);
		const refused = new WebSocket(node.url);
		const [, response] = await once(refused, "unexpected-response");
		expect(response.statusCode).toBe(503);
		stubborn.resume();
		expect(await stopped).toBe(0);
	});

	test.for(["/healthz", "/readyz"])("HEAD %s has the status and no body", async (path) => {
		const ask = await serve({ readiness: () => ({ ready: false, reasons: ["no"] }) });
		const { status, body } = await ask(path, { method: "HEAD" });
		expect({ status, body }).toEqual({ status: path === "/healthz" ? 200 : 503, body: "" });
	});
});

describe("the demo editor", () => {
	test.for([
		"/",
		"/d/notes",
		"/d/anything%2Fencoded%3F",
		"/d/a/b/c",
		"/d/%E0%A4%A",
		"/d/%00",
		"/d/notes?x=1",
		"/d/..%2F..%2Fsecret.txt",
	])("%s is the app, which is asked for anew each time", async (path) => {
		const ask = await serve({ demoFolder: builtDemo() });
		const { status, headers, body } = await ask(path);
		expect({ status, body }).toEqual({ status: 200, body: index });
		expect(headers["content-type"]).toMatch(/^text\/html/);
		expect(headers["cache-control"]).toBe("no-cache");
	});

	test("files whose names change with their content may be kept for a year, others not", async () => {
		const ask = await serve({ demoFolder: builtDemo() });
		const asset = await ask("/assets/app-1a2b.js");
		expect(asset).toMatchObject({ status: 200, body: script });
		expect(asset.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
		expect(asset.headers["content-type"]).toMatch(/javascript/);
		expect((await ask("/assets/font.woff2")).headers["content-type"]).toBe("font/woff2");
		const icon = await ask("/icon.svg");
		expect(icon.headers["content-type"]).toMatch(/^image\/svg\+xml/);
		expect(icon.headers["cache-control"]).toBe("no-cache");
	});

	test.for([
		["br, gzip", "br", brotliDecompressSync],
		["gzip, deflate", "gzip", gunzipSync],
		["gzip, deflate, br, zstd", "br", brotliDecompressSync],
	] as const)("to who accepts %s they go out as %s", async ([accepted, encoding, decompress]) => {
		const ask = await serve({ demoFolder: builtDemo() });
		const { headers, bytes } = await ask("/assets/app-1a2b.js", { headers: { "Accept-Encoding": accepted } });
		expect(headers["content-encoding"]).toBe(encoding);
		expect(headers.vary).toMatch(/accept-encoding/i);
		expect(headers["content-type"]).toMatch(/javascript/);
		expect(headers["cache-control"]).toContain("immutable");
		expect(decompress(bytes).toString()).toBe(script);
	});

	test("HEAD of a file has its headers and no body", async () => {
		const ask = await serve({ demoFolder: builtDemo() });
		const { status, headers, body } = await ask("/assets/app-1a2b.js", { method: "HEAD" });
		expect({ status, body }).toEqual({ status: 200, body: "" });
		expect(headers["content-length"]).toBe(String(script.length));
	});

	test.for([
		"/../secret.txt",
		"/../demo.sha256",
		"/assets/../../secret.txt",
		"/%2e%2e/secret.txt",
		"/..%2fsecret.txt",
		"/%2e%2e%2fsecret.txt",
		"/%252e%252e%252fsecret.txt",
		"/..%5csecret.txt",
		"/..\\secret.txt",
		"/assets/..%2f..%2fsecret.txt",
		"//secret.txt",
		"/./../secret.txt",
		"/assets/%00/../../secret.txt",
		"/....//secret.txt",
		"http://127.0.0.1/../secret.txt",
	])("%s leads to nothing outside of it", async (path) => {
		const ask = await serve({ demoFolder: builtDemo() });
		const { status, body } = await ask(path);
		expect(body).not.toContain(secret);
		expect([400, 404]).toContain(status);
	});

	test.for(["/nothing", "/assets/nothing.js", "/%E0%A4%A", "/healthz/", "/demo.sha256"])(
		"%s is a 404 page",
		async (path) => {
			const ask = await serve({ demoFolder: builtDemo() });
			const { status, headers, body } = await ask(path);
			expect(status).toBe(404);
			expect(headers["content-type"]).toMatch(/^text\/html/);
			expect(headers["cache-control"]).toBeUndefined();
			expect(body).toContain("Nothing here");
			expect(body).not.toContain(path.slice(1));
		},
	);

	test.for(["POST", "PUT", "DELETE"])("%s is for nothing here, and its body harms nobody", async (method) => {
		const ask = await serve({ demoFolder: builtDemo() });
		// Node's client leaves the length of a DELETE out, and the server can't tell where it ends.
		const body = "x".repeat(10_000);
		for (const path of ["/", "/d/notes", "/healthz", "/assets/app-1a2b.js"]) {
			const answer = await ask(path, { method, body, headers: { "Content-Length": "10000" } });
			expect(answer.status).toBe(404);
			expect(answer.body).not.toContain(index);
		}
	});
});

test.for(["/", "/nothing", "/assets/app-1a2b.js"])("%s carries the security headers", async (path) => {
	const ask = await serve({ demoFolder: builtDemo() });
	const { headers } = await ask(path);
	expect(headers).toMatchObject({
		"x-content-type-options": "nosniff",
		"x-frame-options": "SAMEORIGIN",
		"referrer-policy": "no-referrer",
	});
	expect(headers["content-security-policy"]).toMatch(/default-src 'self'/);
	expect(headers["content-security-policy"]).toMatch(/script-src 'self' 'wasm-unsafe-eval'(;|$)/);
	expect(headers["content-security-policy"]).toMatch(/object-src 'none'/);
	expect(headers).not.toHaveProperty("strict-transport-security");
	expect(headers).not.toHaveProperty("x-powered-by");
});

test("what machines ask for is no page, whoever opens it; metrics that fail are an error", async () => {
	const metrics = { contentType: "text/plain; version=0.0.4", text: async () => "some_bytes 7\n" };
	const ask = await serve({ metrics });
	for (const path of ["/healthz", "/readyz", "/metrics", "/metrics?x=1", "http://localhost/metrics"]) {
		const { status, headers } = await ask(path);
		expect(status).toBe(200);
		expect(headers).toMatchObject({
			"cache-control": "no-store",
			"content-security-policy": expect.stringContaining("default-src 'none'"),
			"x-content-type-options": "nosniff",
		});
	}
	expect(await ask("/metrics")).toMatchObject({ body: "some_bytes 7\n" });
	expect((await ask("/metrics", { method: "HEAD" })).headers["content-length"]).toBe("13");
	expect((await ask("/metrics", { method: "POST" })).status).toBe(404);
	const failing = await serve({
		metrics: { ...metrics, text: () => Promise.reject(new Error("not today")) },
	});
	expect((await failing("/metrics")).status).toBe(500);
	expect((await (await serve())("/metrics")).status).toBe(404);
});

describe("without the demo editor", () => {
	test("switched off: / says that the node runs, health works, the rest is 404", async () => {
		const ask = await serve();
		expect(await ask("/")).toMatchObject({
			status: 200,
			body: expect.stringContaining("Indelible is running"),
		});
		expect((await ask("/healthz")).status).toBe(200);
		expect((await ask("/d/notes")).status).toBe(404);
	});

	test("not built: / says how to build it, health works", async () => {
		const ask = await serve({ demoFolder: join(temporaryFolder(), "none") });
		expect(await ask("/")).toMatchObject({ status: 503, body: expect.stringContaining("npm run build") });
		expect((await ask("/d/notes")).status).toBe(503);
		expect((await ask("/healthz")).status).toBe(200);
	});

	test("--no-demo switches it off; who offers to go on with HTTP/2, as Java does, is answered as everybody is", async () => {
		const node = await startNodeProcess({ data: temporaryFolder() });
		onTestFinished(() => void node.child.kill("SIGKILL"));
		expect((await asking(node.port)("/")).body).toContain("switched off");
		const headers = {
			Connection: "Upgrade, HTTP2-Settings",
			Upgrade: "h2c",
			"HTTP2-Settings": "AAMAAABkAAQ",
		};
		const ask = asking(node.port);
		expect((await ask("/healthz", { headers })).status).toBe(200);
		expect((await ask("/healthz", { method: "DELETE", headers })).status).toBe(404);
	});
});

test("an onRequest hook answers before we do, and what it leaves is ours", async () => {
	const folder = temporaryFolder();
	const file = join(folder, "indelible.config.mjs");
	writeFileSync(
		file,
		`export default {
			async onRequest({ request, response }) {
				if (request.url === "/broken") throw new Error("broken");
				if (request.url !== "/mine") return;
				response.end("mine");
				throw null;
			},
		};`,
	);
	const node = await startNodeProcess({ data: join(folder, "data"), flags: ["--config", file] });
	onTestFinished(() => void node.child.kill("SIGKILL"));
	const ask = asking(node.port);
	expect(await ask("/mine")).toMatchObject({ status: 200, body: "mine" });
	expect((await ask("/broken")).status).toBe(500);
	expect((await ask("/healthz")).status).toBe(200);
});
