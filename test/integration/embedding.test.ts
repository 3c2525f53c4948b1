import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isDeepStrictEqual } from "node:util";
import type { Extension } from "@hocuspocus/server";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { showSaveState } from "../../docs/examples/editors.ts";
import { startApplication as startExample } from "../../docs/examples/embedding.ts";
import { asHtml, publish, read, remove, strangers, telling } from "../../docs/examples/server-side.ts";
import { DocumentDeletedError } from "../../extensions/durability/index.ts";
import {
	createNode,
	type IndelibleNode,
	type NodeOptions,
	OperatorRoutes,
	seedTiptapJson,
} from "../../server/index.ts";
import { type Client, openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Somebody's own application: a route, WebSockets of its own under `/chat`, and a node under `/collab`. */
interface Application {
	readonly server: Server;
	readonly node: IndelibleNode;
	/** `host:port` */
	readonly at: string;
	collaborate(name: string, token?: string): Client;
}

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

async function startApplication(options: NodeOptions = {}): Promise<Application> {
	const node = await createNode({ data: temporaryFolder(), logger: quiet, drainWindowMs: 0, ...options });
	const chat = new WebSocketServer({ noServer: true });
	chat.on("connection", (ws) => ws.on("message", (message) => ws.send(`echo of ${message}`)));
	const server = createServer((request, response) => response.end(`their route ${request.url}`));
	server.on("upgrade", (request, socket, head) => {
		const { pathname } = new URL(request.url ?? "/", "http://localhost");
		if (pathname === "/collab") node.handleUpgrade(request, socket, head);
		else if (pathname === "/chat")
			chat.handleUpgrade(request, socket, head, (ws) => chat.emit("connection", ws));
		else socket.destroy();
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const at = `127.0.0.1:${(server.address() as AddressInfo).port}`;
	onTestFinished(async () => {
		await node.close();
		server.close();
		server.closeAllConnections();
		for (const ws of chat.clients) ws.terminate();
	});
	return {
		server,
		node,
		at,
		collaborate(name, token) {
			const client = openClient({
				url: `ws://${at}/collab`,
				name,
				...(token === undefined ? {} : { token }),
			});
			onTestFinished(() => client.destroy());
			return client;
		},
	};
}

async function chatWith(at: string): Promise<{ say(text: string): Promise<string>; readonly ws: WebSocket }> {
	const ws = new WebSocket(`ws://${at}/chat`);
	onTestFinished(() => ws.terminate());
	await once(ws, "open");
	return {
		ws,
		async say(text) {
			ws.send(text);
			const [answer] = await once(ws, "message");
			return String(answer);
		},
	};
}

test("a node shares somebody's server: their routes and WebSockets stay theirs, only /collab is ours", async () => {
	const { at, node, collaborate } = await startApplication();
	const ann = await collaborate("doc").synced();
	const bob = await collaborate("doc").synced();
	await ann.type("together").saved();
	await eventually("bob to see it", () => bob.text.toString() === "together");
	expect(await (await fetch(`http://${at}/anything`)).text()).toBe("their route /anything");
	expect(await (await chatWith(at)).say("hello")).toBe("echo of hello");
	expect(node.connections).toBe(2);
	const elsewhere = new WebSocket(`ws://${at}/elsewhere`);
	const [error] = await once(elsewhere, "error");
	expect(error).toBeInstanceOf(Error);
	expect(node.connections).toBe(2);
});

test.each([
	["embedding.md", ["embedding.ts", "server-side.ts"]],
	["editors.md", ["editors.ts"]],
])("docs/%s quotes the examples as they are", (page, examples) => {
	const read = (path: string) => readFileSync(new URL(`../../docs/${path}`, import.meta.url), "utf8");
	const functionsOf = (text: string) => text.match(/^(export )?(async )?function [\s\S]+?^}$/gm) ?? [];
	const blocks = [...read(page).matchAll(/^```ts\n([\s\S]*?)^```$/gm)].flatMap(([, block = ""]) =>
		functionsOf(block),
	);
	const sources = examples.flatMap((name) => functionsOf(read(`examples/${name}`)));
	expect(blocks.map((block) => `export ${block}`)).toEqual(sources);
});

test("the examples for server code: a document as HTML, an edit, a backend that is told", async () => {
	const told: unknown[] = [];
	const backend = createServer(async (request, response) => {
		let body = "";
		for await (const chunk of request) body += chunk;
		told.push(JSON.parse(body));
		response.end();
	});
	await once(backend.listen(0, "127.0.0.1"), "listening");
	onTestFinished(() => void backend.close());
	const paragraph = {
		type: "paragraph",
		content: [{ type: "text", text: "hello", marks: [{ type: "bold" }] }],
	};
	const { node, collaborate } = await startApplication({
		...telling(`http://127.0.0.1:${(backend.address() as AddressInfo).port}`),
		seed: async () => seedTiptapJson({ type: "doc", content: [paragraph] }),
	});
	expect(await read(node, "article", asHtml)).toBe("<p><strong>hello</strong></p>");
	const client = await collaborate("article").synced();
	const words: string[] = [];
	showSaveState(client.provider, (shown) => words.push(shown));
	await publish(node, "article");
	await eventually("the client to see it", () => client.document.getMap("details").has("publishedAt"));
	await client.type("done").saved();
	expect(words).toContain("Not saved yet");
	expect(words.at(-1)).toBe("Saved");
	client.destroy();
	await eventually("the backend to be told", () =>
		told.some((each) => isDeepStrictEqual(each, { documentName: "article", text: "done" })),
	);
	expect(await strangers(node, async () => false)).toEqual(["article"]);
	expect(await strangers(node, async () => true)).toEqual([]);
	expect(await remove(node, "article")).toBe(true);
	expect(await remove(node, "never")).toBe(false);
	await expect(read(node, "article", asHtml)).rejects.toThrow(DocumentDeletedError);
	expect(await strangers(node, async () => false)).toEqual([]);
});

test("the example of that page serves operators and people beside somebody's routes, and stops", async () => {
	const adminToken = "an admin token of the tests";
	const options = { data: temporaryFolder(), logger: quiet, drainWindowMs: 0 };
	const application = await startExample(options, adminToken, (request, response) =>
		response.end(`their route ${request.url}`),
	);
	const { server } = application;
	await once(server.listen(0, "127.0.0.1"), "listening");
	onTestFinished(async () => void (await application.stop()));
	const at = `127.0.0.1:${(server.address() as AddressInfo).port}`;
	const ask = async (path: string, init: RequestInit = {}) => {
		const response = await fetch(`http://${at}${path}`, init);
		return `${response.status} ${await response.text()}`;
	};
	for (const path of ["/", "/administration", "/healthz/more", "/api/mine", "/metricsx"])
		expect(await ask(path)).toBe(`200 their route ${path}`);
	expect(await ask("/healthz")).toContain("200 {");
	expect(await ask("/readyz?verbose")).toContain('"ready":true');
	expect(await ask("/admin")).toMatch(/^(200|503) /);
	expect(await ask("/api/admin/documents")).toContain("401 ");
	const client = openClient({ url: `ws://${at}/collaboration`, name: "doc" });
	onTestFinished(() => client.destroy());
	await client.type("text").saved();
	const headers = { Authorization: `Bearer ${adminToken}`, "Content-Type": "application/json" };
	expect(await ask("/api/admin/documents", { headers })).toContain('"name":"doc"');
	expect(await ask("/metrics")).toContain("indelible_connections 1");
	const body = JSON.stringify({ document: "doc", action: "close" });
	expect(await ask("/api/auth/revoke", { method: "POST", headers, body })).toBe('200 {"connections":1}');
	await eventually("the end", () => client.closes[0]?.code === 4403);
	expect(await application.stop()).toBe(true);
});

test("operators' routes: what is not asked for is not there, and a token that can't be one is refused", async () => {
	const { node } = await startApplication();
	const response = {} as ServerResponse;
	const routes = new OperatorRoutes(node);
	for (const url of ["/metrics", "/admin", "/api/admin/documents"])
		expect(await routes.handle({ url } as IncomingMessage, response)).toBe(false);
	expect(() => new OperatorRoutes(node, { adminToken: "short" })).toThrow(/adminToken .*16 characters/);
});

test("[TRN3] close() ends what is ours with 1012 and leaves their server and its sockets alone", async () => {
	const { at, server, node, collaborate } = await startApplication();
	const client = await collaborate("doc").type("text").saved();
	const chat = await chatWith(at);
	expect(await node.close()).toEqual({ drained: true, unwrittenUpdates: 0 });
	await eventually("the client to be told", () => client.closes.length > 0);
	expect(client.closes[0]).toEqual({ code: 1012, reason: "service-restart" });
	expect(server.listening).toBe(true);
	expect(await (await fetch(`http://${at}/anything`)).text()).toBe("their route /anything");
	expect(await chat.say("still there?")).toBe("echo of still there?");
	const late = new WebSocket(`ws://${at}/collab`);
	const [, response] = await once(late, "unexpected-response");
	expect(response.statusCode).toBe(503);
	expect(await node.close()).toEqual({ drained: true, unwrittenUpdates: 0 });
});

test("hooks get what Hocuspocus promises: context from onAuthenticate, the document in onChange, the request", async () => {
	const seen: string[] = [];
	const { collaborate } = await startApplication({
		async onConnect({ request, documentName }) {
			seen.push(`connect ${documentName} at ${new URL(request.url).pathname}`);
		},
		async onAuthenticate({ token, connectionConfig }) {
			if (token === "stranger") throw new Error("not you");
			connectionConfig.readOnly = token === "reader";
			return { user: token };
		},
		async onChange({ document, context }) {
			seen.push(`${context.user} wrote ${document.getText("text")}`);
		},
		async onDisconnect({ context }) {
			seen.push(`${context.user} left`);
		},
	});
	const ann = await collaborate("doc", "ann").synced();
	await ann.type("hello").saved();
	const reader = await collaborate("doc", "reader").synced();
	reader.type(", unheard");
	await ann.type("!").saved();
	await eventually("the reader to see it", () => reader.text.toString().includes("!"));
	expect(ann.text.toString()).toBe("hello!");
	expect(reader.provider.hasUnsyncedChanges).toBe(true);
	const stranger = collaborate("doc", "stranger");
	await eventually("the stranger to be refused", () => stranger.denials.length > 0);
	ann.destroy();
	await eventually("ann to have left", () => seen.includes("ann left"));
	expect(seen).toContain("connect doc at /collab");
	expect(seen.filter((line) => line.includes("wrote"))).toEqual(["ann wrote hello", "ann wrote hello!"]);
});

test("[DUR1] extensions run by their priority, after ours; what they read is loaded, what they store after is durable", async () => {
	const seen: string[] = [];
	const extension = (name: string, priority: number): Extension => ({
		extensionName: name,
		priority,
		async onLoadDocument({ document }) {
			seen.push(`${name} loads "${document.getText("text")}"`);
		},
		async afterStoreDocument({ documentName }) {
			const { backlogUpdates } = node.durability.stats();
			seen.push(`${name} stored ${documentName}, ${backlogUpdates} not durable`);
		},
	});
	const data = temporaryFolder();
	const first = await startApplication({ data });
	await first.collaborate("doc").type("from before").saved();
	await first.node.close();
	const extensions = [extension("low", 1), extension("high", 900), extension("above all", 5000)];
	const { node, collaborate } = await startApplication({
		data,
		extensions,
		async onLoadDocument({ document }) {
			seen.push(`hook loads "${document.getText("text")}"`);
		},
	});
	const client = await collaborate("doc").synced();
	expect(seen).toEqual([
		`above all loads "from before"`,
		`high loads "from before"`,
		`low loads "from before"`,
		`hook loads "from before"`,
	]);
	await client.type("!").saved();
	client.destroy();
	await eventually("the document to be stored", () => seen.length === 7);
	expect(seen.slice(4)).toEqual([
		...["above all", "high", "low"].map((name) => `${name} stored doc, 0 not durable`),
	]);
});

test("server-side code edits through a direct connection beside the sockets; its await means on disk", async () => {
	const data = temporaryFolder();
	const { node, collaborate } = await startApplication({ data });
	const client = await collaborate("doc").type("client, ").saved();
	const connection = await node.openDirectConnection("doc", { user: "server" });
	await connection.transact((document) =>
		document.getText("text").insert(document.getText("text").length, "server"),
	);
	await eventually("the client to see it", () => client.text.toString() === "client, server");
	await connection.disconnect();
	await node.close();
	const again = await startApplication({ data });
	expect((await again.collaborate("doc").synced()).text.toString()).toBe("client, server");
});

test("an onUpgrade hook that fails costs its request only, and one that answers itself is left alone", async () => {
	const { at, collaborate } = await startApplication({
		async onUpgrade({ request, socket }) {
			if (request.headers["x-break"] !== undefined) throw new Error("broken");
			if (request.headers["x-answered"] === undefined) return;
			socket.end("HTTP/1.1 418 I'm a teapot\r\nConnection: close\r\n\r\n");
			return Promise.reject();
		},
	});
	for (const [header, status] of [
		["x-break", 500],
		["x-answered", 418],
	] as const) {
		const ws = new WebSocket(`ws://${at}/collab`, { headers: { [header]: "1" } });
		const [, response] = await once(ws, "unexpected-response");
		expect(response.statusCode).toBe(status);
	}
	await collaborate("doc").type("served").saved();
});

test("two nodes in one program, each with data of its own, know nothing of each other; one data folder has one node", async () => {
	const data = temporaryFolder();
	const one = await startApplication({ data });
	const two = await startApplication();
	await one.collaborate("doc").type("one").saved();
	await two.collaborate("doc").type("two").saved();
	expect((await one.collaborate("doc").synced()).text.toString()).toBe("one");
	await expect(createNode({ data, logger: quiet })).rejects.toThrow(/is in use by process \d+/);
	await one.node.close();
	expect((await two.collaborate("doc").synced()).text.toString()).toBe("two");
	const again = await createNode({ data, logger: quiet });
	await again.close();
});
