import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { getRequestListener } from "@hono/node-server";
import { expect, onTestFinished, test } from "vitest";
import { createHttp } from "../../server/http.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const page = "<!doctype html><title>The admin page</title>";

function builtPage(): string {
	const folder = temporaryFolder();
	const admin = join(folder, "admin");
	mkdirSync(join(admin, "assets"), { recursive: true });
	writeFileSync(join(admin, "index.html"), page);
	writeFileSync(join(admin, "icon.svg"), "<svg/>");
	writeFileSync(join(admin, "assets", "index-1a2b.js"), "1;");
	writeFileSync(join(folder, "admin.sha256"), "nobody's business");
	return admin;
}

interface Answer {
	readonly status: number | undefined;
	readonly header: (name: string) => unknown;
	readonly body: string;
}

/** Asks for exactly the path that it is given; `fetch` would tidy it up first. */
async function serve(adminFolder?: string): Promise<(path: string) => Promise<Answer>> {
	const app = createHttp({ adminFolder });
	const server = createServer(getRequestListener(app.fetch));
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	onTestFinished(() => void server.close());
	const { port } = server.address() as { readonly port: number };
	return (path) =>
		new Promise((resolve, reject) => {
			const asked = request({ port, host: "127.0.0.1", path, agent: false }, async (response) => {
				const header = (name: string) => response.headers[name];
				resolve({ status: response.statusCode, header, body: await text(response) });
			});
			asked.once("error", reject).end();
		});
}

test("the page is served to everybody, and may load nothing from elsewhere", async () => {
	const ask = await serve(builtPage());
	const response = await ask("/admin");
	expect(response.status).toBe(200);
	expect(response.body).toBe(page);
	expect(response.header("cache-control")).toBe("no-cache");
	expect(response.header("x-frame-options")).toBe("DENY");
	const policy = response.header("content-security-policy");
	expect(policy).toContain("default-src 'none'");
	expect(policy).toContain("frame-ancestors 'none'");
	expect(policy).not.toContain("unsafe");
	const script = await ask("/admin/assets/index-1a2b.js");
	expect(script.status).toBe(200);
	expect(script.header("cache-control")).toContain("immutable");
	expect((await ask("/admin/icon.svg")).status).toBe(200);
	expect((await ask("/admin/")).header("location")).toBe("/admin");
});

test.for([
	"/admin/nothing.js",
	"/admin/../admin.sha256",
	"/admin/%2e%2e/admin.sha256",
	"/admin/..%2fadmin.sha256",
	"/administration",
])("%s is nothing", async (path) => {
	const ask = await serve(builtPage());
	const response = await ask(path);
	expect(response.status).toBe(404);
	expect(response.body).not.toContain("nobody's business");
});

test("without an admin token there is neither page nor API, and both say how to have them", async () => {
	const ask = await serve();
	const response = await ask("/admin");
	expect(response.status).toBe(404);
	expect(response.body).toContain("--admin-token");
	const answer = await ask("/api/admin/documents");
	expect(answer.status).toBe(404);
	expect(JSON.parse(answer.body)).toEqual({ error: "off: start the node with an admin token" });
});

test("a page that was not built says so", async () => {
	const ask = await serve(join(temporaryFolder(), "nowhere"));
	expect((await ask("/admin")).status).toBe(503);
});
