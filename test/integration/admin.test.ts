import { createServer } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import type { NodeView } from "../../server/admin/facts.ts";
import { Operations } from "../../server/admin/operations.ts";
import { serveAdministration } from "../../server/administration.ts";
import { storedDocumentsOf } from "../../server/stored-documents.ts";
import { TrustedProxies } from "../../server/transport/client-address.ts";
import { localCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { type LocalNode, startLocalNode } from "../support/local-node.ts";
import { startRedis } from "../support/redis-server.ts";
import { signToken, testSecret } from "../support/tokens.ts";

const token = "an admin token of the tests";

interface Reply {
	readonly status: number;
	readonly headers: Headers;
	// biome-ignore lint/suspicious/noExplicitAny: the test looks into answers of many shapes.
	readonly body: any;
}

interface AdminApi {
	get(path: string, authorization?: string | null): Promise<Reply>;
	post(path: string, body?: unknown, authorization?: string | null): Promise<Reply>;
	/** The events as they come, until `isEnough`. */
	events(isEnough: (nodes: readonly NodeView[]) => boolean): Promise<readonly NodeView[]>;
	readonly url: string;
}

/** The admin API of a node, on a socket of its own. */
async function adminOf({ node }: LocalNode, proxies: readonly string[] = []): Promise<AdminApi> {
	const operations = new Operations({ node, version: "0.0.0-test", logger: quiet });
	const app = new Hono();
	const access = { token, trustedProxies: new TrustedProxies(proxies) };
	const documents = storedDocumentsOf(node);
	serveAdministration(app, access, { revoke: (request) => node.revoke(request), operations, documents });
	const server = createServer(getRequestListener(app.fetch));
	const port = await new Promise<number>((resolve) => {
		server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
	});
	onTestFinished(() => {
		operations.close();
		server.closeAllConnections();
		server.close();
	});
	const url = `http://127.0.0.1:${port}`;
	const ask = async (path: string, init: RequestInit, authorization: string | null): Promise<Reply> => {
		const headers = { ...init.headers, ...(authorization === null ? {} : { Authorization: authorization }) };
		const response = await fetch(`${url}${path}`, { ...init, headers });
		const text = await response.text();
		const body = response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text;
		return { status: response.status, headers: response.headers, body };
	};
	return {
		url,
		get: (path, authorization = `Bearer ${token}`) => ask(path, {}, authorization),
		post: (path, body, authorization = `Bearer ${token}`) =>
			ask(
				path,
				{ method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } },
				authorization,
			),
		async events(isEnough) {
			const response = await fetch(`${url}/api/admin/events`, {
				headers: { Authorization: `Bearer ${token}` },
			});
			expect(response.headers.get("x-accel-buffering")).toBe("no");
			let text = "";
			for await (const chunk of response.body ?? []) {
				text += Buffer.from(chunk).toString();
				const events = text.split("\n\n").slice(0, -1);
				const last = events.at(-1);
				if (last === undefined) continue;
				const { nodes } = JSON.parse(last.slice("data: ".length)) as { nodes: readonly NodeView[] };
				// Leaving the loop ends the response.
				if (isEnough(nodes)) return nodes;
			}
			throw new Error("the events ended");
		},
	};
}

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const routes = [
	["GET", "/api/admin/events"],
	["GET", "/api/admin/documents"],
	["GET", "/api/admin/document?name=doc"],
	["GET", "/api/admin/slow-readers"],
	["POST", "/api/admin/close-connection"],
	["POST", "/api/admin/unload"],
	["POST", "/api/admin/drain"],
	["GET", "/api/admin/nothing"],
] as const;

test("no route answers anybody without the token", async () => {
	const api = await adminOf(await startLocalNode(), ["127.0.0.1"]);
	for (const [index, [method, path]] of routes.entries()) {
		for (const authorization of [null, "Bearer wrong", "Basic YTpi", `Bearer ${token}x`]) {
			// Each is tried by somebody else: whoever is wrong too often waits.
			const headers = {
				"X-Forwarded-For": `192.0.2.${index}`,
				...(authorization === null ? {} : { Authorization: authorization }),
			};
			const reply = await fetch(`${api.url}${path}`, { method, headers });
			expect(reply.status, path).toBe(401);
			expect(await reply.json()).toEqual({ error: "the admin token is missing or wrong" });
			expect(reply.headers.get("cache-control")).toBe("no-store");
			expect(reply.headers.get("www-authenticate")).toBe("Bearer");
		}
	}
});

test("after ten wrong tokens an address waits, also with the right one", async () => {
	const api = await adminOf(await startLocalNode());
	for (let tried = 0; tried < 10; tried += 1)
		expect((await api.get("/api/admin/documents", `Bearer wrong ${tried}`)).status).toBe(401);
	const { status, headers, body } = await api.get("/api/admin/documents");
	expect(status).toBe(429);
	expect(headers.get("retry-after")).toBe("60");
	expect(body.error).toContain("wait a minute");
});

test("who has signed in is not locked out by others' wrong tokens from the same address", async () => {
	const api = await adminOf(await startLocalNode());
	const ask = (authorization: string, cookie = "") =>
		fetch(`${api.url}/api/admin/documents`, { headers: { Authorization: authorization, Cookie: cookie } });
	const signedIn = await ask(`Bearer ${token}`);
	const set = signedIn.headers.get("set-cookie") ?? "";
	expect(set).toMatch(/; Path=\/api; HttpOnly; SameSite=Strict$/);
	expect(set).not.toContain(token);
	const [cookie = ""] = set.split(";");
	for (let tried = 0; tried < 12; tried += 1) await ask(`Bearer wrong ${tried}`);
	expect((await ask(`Bearer ${token}`)).status).toBe(429);
	const again = await ask(`Bearer ${token}`, cookie);
	expect(again.status).toBe(200);
	expect(again.headers.get("set-cookie")).toBeNull();
	// It opens nothing by itself, and can't be made up.
	expect((await ask("Bearer wrong", cookie)).status).toBe(401);
	expect((await fetch(`${api.url}/api/admin/documents`, { headers: { Cookie: cookie } })).status).toBe(401);
	expect((await ask(`Bearer ${token}`, `${cookie.slice(0, -3)}AA=`)).status).toBe(429);
	const [other = ""] = cookie.split("=");
	expect((await ask(`Bearer ${token}`, `${other}=9999999999999`)).status).toBe(429);
});

test("whoever has an IPv6 network has one address of it here", async () => {
	const api = await adminOf(await startLocalNode(), ["127.0.0.1"]);
	const ask = (host: number, network = "2001:db8:1:1") =>
		fetch(`${api.url}/api/admin/documents`, {
			headers: { Authorization: "Bearer wrong", "X-Forwarded-For": `${network}::${host.toString(16)}` },
		});
	for (let host = 1; host <= 10; host += 1) expect((await ask(host)).status).toBe(401);
	expect((await ask(11)).status).toBe(429);
	expect((await ask(11, "2001:db8:1:2")).status).toBe(401);
});

test("a page that has not asked for the token yet does not count as wrong", async () => {
	const api = await adminOf(await startLocalNode());
	for (let tried = 0; tried < 12; tried += 1) await api.get("/api/admin/documents", null);
	expect((await api.get("/api/admin/documents")).status).toBe(200);
});

test("what GET is for changes nothing, and what POST is for is not done by GET", async () => {
	const node = await startLocalNode();
	const api = await adminOf(node);
	const client = await node.client("doc").synced();
	const [connection] = node.node.document("doc")?.connections ?? [];
	for (const path of [`close-connection?id=${connection?.id}`, "unload?name=doc", "drain?node=this-node"])
		expect((await api.get(`/api/admin/${path}`)).status).toBe(404);
	expect(client.closes).toEqual([]);
	expect(node.node.readiness().ready).toBe(true);
});

test("what can't be meant is refused with what is wrong", async () => {
	const api = await adminOf(await startLocalNode());
	for (const [path, named] of [
		["documents?sort=size%20desc", "sort"],
		["documents?limit=0", "limit"],
		["documents?limit=100000", "limit"],
		[`documents?search=${"x".repeat(300)}`, "search"],
		["document", "name"],
		["document?name=", "name"],
		["slow-readers?limit=-1", "limit"],
	]) {
		const { status, body } = await api.get(`/api/admin/${path}`);
		expect(status, path).toBe(400);
		expect(body.error).toContain(named);
	}
	for (const [action, sent] of [
		["close-connection", {}],
		["close-connection", { id: 7 }],
		["close-connection", { id: "x".repeat(65) }],
		["close-connection", { id: "x", all: true }],
		["unload", { name: "" }],
		["unload", null],
		["drain", {}],
		["drain", { node: ["a"] }],
	]) {
		const { status, body } = await api.post(`/api/admin/${action}`, sent);
		expect(status, `${action} ${JSON.stringify(sent)}`).toBe(400);
		expect(body.error).not.toBe("");
	}
});

test("a body must be JSON, and not too large", async () => {
	const api = await adminOf(await startLocalNode());
	const send = (body: string, type: string) =>
		fetch(`${api.url}/api/admin/unload`, {
			method: "POST",
			body,
			headers: { Authorization: `Bearer ${token}`, "Content-Type": type },
		});
	expect((await send('{"name":"doc"}', "text/plain")).status).toBe(415);
	expect((await send("{", "application/json")).status).toBe(400);
	const large = await send(JSON.stringify({ name: "x".repeat(200_000) }), "application/json");
	expect(large.status).toBe(413);
	expect(await large.json()).toHaveProperty("error");
});

test("events tell how the node is, and its seconds", async () => {
	const node = await startLocalNode();
	const api = await adminOf(node);
	const client = await node.client("doc").synced();
	const other = await node.client("doc").synced();
	const typing = setInterval(() => client.type("x"), 20);
	onTestFinished(() => clearInterval(typing));
	const editsPerS = 3;
	const savedP99Ms = 6;
	const nodes = await api.events((views) =>
		(views[0]?.samples ?? []).some((row) => (row[editsPerS] ?? 0) > 1 && row[savedP99Ms] !== null),
	);
	expect(nodes).toHaveLength(1);
	expect(nodes[0]?.overview).toMatchObject({
		id: "this-node",
		phase: "serving",
		ready: true,
		connections: 2,
		documents: 1,
		version: "0.0.0-test",
	});
	await eventually("the other to have it", () => other.text.length > 0);
});

test("twenty may watch at a time, and who leaves makes room", async () => {
	const api = await adminOf(await startLocalNode());
	const headers = { Authorization: `Bearer ${token}` };
	const watchers = Array.from({ length: 20 }, () => new AbortController());
	// A response that nobody holds is ended when garbage is collected.
	const responses: Response[] = [];
	for (const { signal } of watchers)
		responses.push(await fetch(`${api.url}/api/admin/events`, { headers, signal }));
	expect(responses.map(({ status }) => status)).toEqual(new Array(20).fill(200));
	const { status, body } = await api.get("/api/admin/events");
	expect(status).toBe(503);
	expect(body.error).toContain("close one of them");
	expect(responses.every(({ body }) => body !== null)).toBe(true);
	for (const watcher of watchers) watcher.abort();
	await eventually("room", async () => {
		const response = await fetch(`${api.url}/api/admin/events`, { headers });
		await response.body?.cancel();
		return response.status === 200;
	});
});

test("a page that comes back takes no second place, though its old connection has not ended", async () => {
	const api = await adminOf(await startLocalNode());
	const headers = { Authorization: `Bearer ${token}` };
	const watch = (page: string) => fetch(`${api.url}/api/admin/events?page=${page}`, { headers });
	const other = await watch("other");
	const first = await watch("phone");
	let last = first;
	for (let time = 0; time < 25; time += 1) {
		last = await watch("phone");
		expect(last.status).toBe(200);
	}
	// The old one ends, the new one and the other go on.
	await first.text();
	for (const { body } of [last, other]) {
		const reader = body?.getReader();
		for (let event = 0; event < 2; event += 1) expect((await reader?.read())?.done).toBe(false);
		await reader?.cancel();
	}
	expect((await watch("x".repeat(65))).status).toBe(400);
});

test("a document's facts, its connections, and its measured size", async () => {
	const node = await startLocalNode();
	const api = await adminOf(node);
	const client = await node.client("team/notes").synced();
	await node.client("team/notes").synced();
	await node.client("other").synced();
	for (const word of ["one ", "two ", "three "]) await client.type(word).saved();
	const list = await api.get("/api/admin/documents?search=NOTES");
	expect(list.body).toMatchObject({ matching: 1, rows: [{ name: "team/notes", people: 2 }] });
	expect(list.body.rows[0].edits).toBeGreaterThanOrEqual(3);
	const { body } = await api.get("/api/admin/document?name=team%2Fnotes&measure=1");
	const [{ answer }] = body.nodes;
	expect(answer).toMatchObject({ name: "team/notes", people: 2, direct: 0, writers: 1, waitingUpdates: 0 });
	expect(answer.logUpdates).toBeGreaterThanOrEqual(1);
	expect(answer.measured.stateBytes).toBeGreaterThan(10);
	expect(answer.measured).toMatchObject({
		snapshotBytes: 0,
		logUpdates: answer.logUpdates,
		logBytes: answer.logBytes,
	});
	expect(answer.connections).toHaveLength(2);
	const writer = answer.connections.find(({ edits }: { edits: number }) => edits > 0);
	expect(writer).toMatchObject({ edits: 3, readOnly: false, user: null, waitingBytes: 0 });
	expect(Math.abs(writer.sinceMs - Date.now())).toBeLessThan(60_000);
	const missing = await api.get("/api/admin/document?name=nobody");
	expect(missing.body).toEqual({ name: "nobody", nodes: [] });
});

test("who does not read is among the slowest readers, and can be closed", async () => {
	const node = await startLocalNode({ readerBacklogBytesMax: 64 * 1024, flushIntervalMs: 5 });
	const api = await adminOf(node);
	const author = await node.client("doc").synced();
	const sockets: WebSocket[] = [];
	class PausableSocket extends WebSocket {
		constructor(url: string) {
			super(url);
			sockets.push(this);
		}
	}
	const reader = await node.client("doc", { webSocketClass: PausableSocket }).synced();
	expect((await api.get("/api/admin/slow-readers")).body).toEqual({ readers: [] });
	sockets[0]?.pause();
	const slow = await eventually("the reader to fall behind", async () => {
		author.text.insert(0, "x".repeat(512 * 1024));
		await author.saved();
		author.text.delete(0, author.text.length);
		await author.saved();
		const { body } = await api.get("/api/admin/slow-readers");
		return body.readers[0]?.isBehind === true ? body.readers[0] : undefined;
	});
	expect(slow).toMatchObject({ document: "doc", node: "this-node", edits: 0 });
	expect(slow.waitingBytes).toBeGreaterThan(64 * 1024);
	expect((await api.post("/api/admin/close-connection", { id: slow.id })).status).toBe(200);
	sockets[0]?.resume();
	await eventually("the close", () => reader.closes.length > 0);
});

test("closing a connection has its client come back; one that is gone is not found", async () => {
	const node = await startLocalNode();
	const api = await adminOf(node);
	const client = await node.client("doc").synced();
	const [connection] = node.node.document("doc")?.connections ?? [];
	expect((await api.post("/api/admin/close-connection", { id: connection?.id })).status).toBe(200);
	await eventually("the close", () => client.closes.length > 0);
	expect(client.closes[0]).toEqual({ code: 4410, reason: "closed-by-operator" });
	await client.type("still here").saved();
	const again = await api.post("/api/admin/close-connection", { id: connection?.id });
	expect(again.status).toBe(404);
	expect(again.body.done).toBe(false);
});

test("unloading closes a document's connections, keeps every edit, and clients come back to it", async () => {
	const node = await startLocalNode();
	const api = await adminOf(node);
	const client = await node.client("doc", { reconnectDelayMs: 1_000 }).synced();
	await client.type("kept").saved();
	const before = node.node.hocuspocus.documents.get("doc");
	const { body } = await api.post("/api/admin/unload", { name: "doc" });
	expect(body.nodes).toMatchObject([{ node: "this-node", answer: { done: true } }]);
	expect(before?.isDestroyed).toBe(true);
	await eventually("the close", () => client.closes.length > 0);
	await client.type(" and more").saved();
	expect(node.node.hocuspocus.documents.get("doc")?.getText("text").toString()).toBe("kept and more");
});

test("a document that can't be saved is not unloaded, and the answer says why", async () => {
	const node = await startLocalNode();
	const api = await adminOf(node);
	const client = await node.client("doc").synced();
	node.store.fail();
	client.type("waiting");
	await eventually("the edit", () => (node.node.document("doc")?.waitingUpdates ?? 0) > 0);
	client.destroy();
	const { body } = await api.post("/api/admin/unload", { name: "doc" });
	expect(body.nodes[0].answer.done).toBe(false);
	expect(body.nodes[0].answer.detail).toContain("not saved yet");
});

test("draining this node", async () => {
	const node = await startLocalNode();
	const api = await adminOf(node);
	const client = await node.client("doc").synced();
	expect((await api.post("/api/admin/drain", { node: "this-node" })).body.done).toBe(true);
	await eventually("the close", () => client.closes.some(({ code }) => code === 1012));
	expect((await api.post("/api/admin/drain", { node: "this-node" })).status).toBe(409);
	expect((await api.post("/api/admin/drain", { node: "no-such" })).status).toBe(404);
	const [here] = await api.events(() => true);
	expect(here?.overview).toMatchObject({ phase: "draining", ready: false });
});

test("answers are bounded, whatever there is", async () => {
	const node = await startLocalNode();
	const api = await adminOf(node);
	const names = Array.from({ length: 250 }, (_, index) => `doc-${String(index).padStart(3, "0")}`);
	const open = await Promise.all(names.map((name) => node.node.openDirectConnection(name)));
	onTestFinished(async () => {
		for (const connection of open) await connection.disconnect();
	});
	const { body } = await api.get("/api/admin/documents?sort=name&limit=200");
	expect(body.matching).toBe(250);
	expect(body.rows).toHaveLength(200);
	expect(body.rows[0].name).toBe("doc-000");
	expect((await api.get("/api/admin/documents?search=doc-24&limit=5")).body).toMatchObject({ matching: 10 });
});

test("one page sees the nodes that share a Redis, and acts on each of them", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const [one, two] = [await cluster.node(), await cluster.node()];
	const [api, other] = [await adminOf(one), await adminOf(two)];
	await eventually(
		"the nodes to meet",
		() => one.node.bus?.nodes.length === 1 && two.node.bus?.nodes.length === 1,
	);
	const here = await one.client("shared").synced();
	const there = await two.client("shared").synced();
	await two.client("elsewhere").synced();
	await here.type("x").saved();
	const nodes = await api.events((views) => views.every(({ overview }) => overview !== null));
	expect(nodes.map(({ overview }) => overview?.connections)).toEqual([1, 2]);
	expect(nodes.map(({ isHere }) => isHere)).toEqual([true, false]);
	const list = await api.get("/api/admin/documents");
	expect(list.body.matching).toBe(2);
	expect(list.body.rows[0]).toMatchObject({ name: "shared", people: 2 });
	expect(list.body.rows[0].nodes).toHaveLength(2);
	const { body } = await api.get("/api/admin/document?name=shared");
	expect(body.nodes).toHaveLength(2);
	const remote = body.nodes.find(({ node }: { node: string }) => node === two.node.bus?.identifier);
	const closed = await api.post("/api/admin/close-connection", { id: remote.answer.connections[0].id });
	expect(closed.body.done).toBe(true);
	await eventually("the close over there", () => there.closes.length > 0);
	expect(there.closes[0]).toEqual({ code: 4410, reason: "closed-by-operator" });
	expect(here.closes).toEqual([]);
	await there.synced();
	const unloaded = await other.post("/api/admin/unload", { name: "shared" });
	expect(unloaded.body.nodes).toHaveLength(2);
	await eventually("the close here", () => here.closes.length > 0);
	const drained = await api.post("/api/admin/drain", { node: two.node.bus?.identifier });
	expect(drained.body.done).toBe(true);
	await eventually(
		"the other node to drain",
		() => two.node.readiness().reasons[0] === "the node is draining",
	);
	expect(one.node.readiness().ready).toBe(true);
});

test("no answer holds a secret", async () => {
	const needle = "needle-needle-needle-needle-needle-needle";
	const node = await startLocalNode({
		authJwtSecret: testSecret,
		authWebhookUrl: "http://localhost:1/",
		authWebhookSecret: needle,
	});
	const api = await adminOf(node);
	const userToken = await signToken({ sub: "ann", note: "claim-needle" });
	await node.client("doc", { token: userToken }).synced();
	const texts = [
		await api.events(() => true),
		(await api.get("/api/admin/documents")).body,
		(await api.get("/api/admin/document?name=doc")).body,
		(await api.get("/api/admin/slow-readers")).body,
	].map((answer) => JSON.stringify(answer));
	expect(texts[2]).toContain('"user":"ann"');
	for (const text of texts) {
		expect(text).not.toContain("needle");
		expect(text).not.toContain(testSecret);
		expect(text).not.toContain(userToken);
		expect(text).not.toContain(token);
	}
});
