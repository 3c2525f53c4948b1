import { join } from "node:path";
import { Server } from "@hocuspocus/server";
import { expect, onTestFinished, test } from "vitest";
import { Durability, SqliteStore } from "../../extensions/durability/index.ts";
import { Metrics } from "../../extensions/metrics/index.ts";
import { Sync } from "../../extensions/sync/index.ts";
import { type Span, Tracing } from "../../extensions/tracing/index.ts";
import { openClient } from "../support/client.ts";
import { localCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { readMetrics } from "../support/metrics-text.ts";
import { freePort, startNodeProcess } from "../support/node-process.ts";
import { type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import { openRawSocket } from "../support/raw-socket.ts";
import { startRedis } from "../support/redis-server.ts";
import { type CollectedSpan, type SpanCollector, startSpanCollector } from "../support/span-collector.ts";
import { startStockNode } from "../support/stock-node.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { authenticationFrame } from "../support/wire-frames.ts";

/** The spans of the first trace whose root has this name. */
async function traceOf({ spans }: SpanCollector, root: string): Promise<readonly CollectedSpan[]> {
	const { traceId } = await eventually(`a trace of "${root}"`, () => spans.find(({ name }) => name === root));
	return spans.filter((span) => span.traceId === traceId);
}

function named(spans: readonly CollectedSpan[], name: string): CollectedSpan {
	const span = spans.find((candidate) => candidate.name === name);
	if (span === undefined) throw new Error(`no span "${name}" among ${spans.map((one) => one.name)}`);
	return span;
}

test("an edit's way is traced from its receipt to the disk and to the others, and names nobody", async () => {
	const collector = await startSpanCollector();
	const { client } = await startLocalNode({
		otlpUrl: `${collector.url}/`,
		otlpHeaders: "api-key=s3cret, tenant=blue",
		traceOneIn: 1,
	});
	const token = "somebodys-token";
	const author = await client("secret-plans", { token }).synced();
	const reader = await client("secret-plans", { token }).synced();
	await author.type("confidential").saved();
	await eventually("the other to have it", () => reader.text.length > 0);
	const spans = await traceOf(collector, "edit");
	const root = named(spans, "edit");
	expect(root).toMatchObject({ kind: 2, attributes: { "indelible.edits": 1 } });
	expect(root.parentSpanId).toBeUndefined();
	expect(root.resource["service.name"]).toBe("indelible");
	expect(root.resource["service.version"]).toMatch(/^\d+\./);
	for (const name of ["wait", "apply", "fan-out", "log"])
		expect(named(spans, name).parentSpanId, name).toBe(root.spanId);
	expect(named(spans, "fan-out").attributes["indelible.clients"]).toBe(2);
	expect(named(spans, "commit").parentSpanId).toBe(named(spans, "log").spanId);
	for (const { startNanos, endNanos } of spans) {
		expect(startNanos >= root.startNanos && endNanos <= root.endNanos && startNanos <= endNanos).toBe(true);
	}
	const nowNanos = BigInt(Date.now()) * 1_000_000n;
	expect(nowNanos - root.startNanos).toBeLessThan(60_000_000_000n);
	expect(collector.requests[0]).toMatchObject({
		method: "POST",
		path: "/v1/traces",
		"content-type": "application/json",
		"api-key": "s3cret",
		tenant: "blue",
	});
	for (const secret of [token, "secret-plans", "confidential", "127.0.0.1"])
		expect(collector.bodies.join()).not.toContain(secret);
});

test("the opening of a document is traced step by step, and ends where it fails", async () => {
	const collector = await startSpanCollector();
	const { client } = await startLocalNode({
		otlpUrl: collector.url,
		traceOneIn: 1,
		async onAuthenticate({ token }) {
			if (token !== "good")
				throw Object.assign(new Error("no such person: Ada"), { reason: "unknown-person" });
		},
	});
	await client("page", { token: "good" }).synced();
	const spans = await traceOf(collector, "open document");
	const root = named(spans, "open document");
	for (const name of ["connect", "authenticate", "load document", "read store", "merge", "connected"])
		expect(named(spans, name).parentSpanId, name).toBe(root.spanId);
	expect(named(spans, "read store").attributes["indelible.snapshot_bytes"]).toBe(0);
	expect(root.attributes["indelible.connection"]).toMatch(/^[\da-f-]{36}$/);
	expect(root.status).toBeUndefined();
	const refused = client("page", { token: "bad" });
	await eventually("the refusal", () => refused.denials.length > 0);
	const failed = await eventually("its trace", () =>
		collector.spans.find(({ name, status }) => name === "open document" && status !== undefined),
	);
	expect(failed.status).toEqual({ code: 2, message: "unknown-person" });
	expect(collector.bodies.join()).not.toContain("Ada");
});

test("[CLU5] a trace goes on at the other node, and a node that traces nothing is not disturbed by it", async () => {
	let end = async () => {};
	const postgres: PostgresServer = await startPostgres((endPostgres) => {
		end = endPostgres;
	});
	onTestFinished(() => end());
	const redis = await startRedis();
	const collector = await startSpanCollector();
	const flags = ["--database-url", await postgres.newDatabase(), "--redis-url", redis.url];
	const tracing = ["--otlp-url", collector.url, "--trace-one-in", "1"];
	const nodes = [
		await startNodeProcess({ data: temporaryFolder(), flags: [...flags, ...tracing] }),
		// It begins no traces of its own, or hardly any.
		await startNodeProcess({
			data: temporaryFolder(),
			flags: [...flags, "--otlp-url", collector.url, "--trace-one-in", "1000000"],
		}),
		await startNodeProcess({ data: temporaryFolder(), flags }),
	];
	onTestFinished(async () => {
		await Promise.all(nodes.map((node) => node.stop("SIGKILL")));
	});
	const clients = nodes.map(({ url }) => {
		const client = openClient({ url, name: "page" });
		onTestFinished(() => client.destroy());
		return client;
	});
	for (const client of clients) await client.synced();
	const [author, ...others] = clients;
	await author?.type("hello").saved();
	for (const { text } of others) await eventually("it to arrive", () => text.toString() === "hello");
	const root = named(await traceOf(collector, "edit"), "edit");
	const receipt = await eventually("the other node's part", () =>
		collector.spans.find(({ name, traceId }) => name === "receive" && traceId === root.traceId),
	);
	expect(receipt).toMatchObject({ kind: 5, parentSpanId: root.spanId });
	expect(receipt.resource["service.instance.id"]).not.toBe(root.resource["service.instance.id"]);
	const there = collector.spans.filter(({ parentSpanId }) => parentSpanId === receipt.spanId);
	expect(there.map(({ name }) => name).toSorted()).toEqual(["apply", "fan-out"]);
	const publish = named(await traceOf(collector, "edit"), "publish");
	expect(publish).toMatchObject({ kind: 4, parentSpanId: root.spanId });
	expect(publish.attributes["indelible.receivers"]).toBe(3);
});

test("[CLU5] a stock node stays in step with nodes that trace everything, both ways", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const spans: Span[] = [];
	const tracing = () => new Tracing({ oneIn: 1, onSpans: (told) => spans.push(...told) });
	const one = await cluster.node({ extensions: [tracing()] });
	const other = await cluster.node({ extensions: [tracing()] });
	const stock = await startStockNode(redis.port);
	const clients = [one, other, stock].map((node) => node.client("page"));
	for (const client of clients) await client.synced();
	let text = "";
	for (let round = 0; round < 15; round += 1) {
		clients[round % 3]?.type(`${round} `);
		text += `${round} `;
		await eventually("all to have it", () => clients.every((client) => client.text.toString() === text));
	}
	clients[0]?.text.delete(0, 2);
	await eventually("all to have lost it", () =>
		clients.every((client) => client.text.toString() === text.slice(2)),
	);
	clients[0]?.provider.setAwarenessField("name", "Anna");
	await eventually("presence to cross", () =>
		clients.every(({ provider }) =>
			[...(provider.awareness?.getStates().values() ?? [])].some(({ name }) => name === "Anna"),
		),
	);
	// It was there all the time.
	await eventually("what each kind of node has published to be traced", () =>
		["publish", "receive"].every((name) => spans.filter((span) => span.name === name).length >= 11),
	);
});

test("whom a trusted proxy traces is traced, whatever the share", async () => {
	const collector = await startSpanCollector();
	const { url } = await startLocalNode({
		otlpUrl: collector.url,
		traceOneIn: 1_000_000,
		trustedProxies: "127.0.0.1",
	});
	const [traceId, spanId] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"];
	const { ws } = await openRawSocket(url, { headers: { traceparent: `00-${traceId}-${spanId}-01` } });
	ws.send(authenticationFrame("page"));
	const root = named(await traceOf(collector, "open document"), "open document");
	expect(root).toMatchObject({ traceId, parentSpanId: spanId });
	const unsampled = await openRawSocket(url, { headers: { traceparent: `00-${traceId}-${spanId}-00` } });
	unsampled.ws.send(authenticationFrame("page"));
	await eventually("the answer", () => unsampled.received.length > 0);
	expect(collector.spans.filter(({ name }) => name === "open document")).toHaveLength(1);
});

test("a receiver that is away holds nobody up; what it does not take in time is sent later, or counted", async () => {
	const collector = await startSpanCollector();
	const metrics = new Metrics({ process: false });
	collector.status = 503;
	const { client, close } = await startLocalNode({
		otlpUrl: collector.url,
		traceOneIn: 1,
		extensions: [metrics],
	});
	const author = await client("page").synced();
	await author.type("one").saved();
	await eventually("an attempt", () => collector.requests.length > 0);
	await author.type("two").saved();
	collector.status = 200;
	await traceOf(collector, "edit");
	const read = async () => readMetrics(await metrics.text());
	await eventually("all to be sent", async () => (await read()).value("indelible_spans_sent_total") > 5);
	expect((await read()).value("indelible_spans_dropped_total")).toBe(0);
	expect((await read()).value("indelible_traces_total")).toBeGreaterThanOrEqual(3);
	collector.status = 400;
	const { length } = collector.requests;
	await author.type("three").saved();
	await eventually("a refusal", () => collector.requests.length > length);
	await eventually("it to be counted", async () => (await read()).value("indelible_spans_dropped_total") > 0);
	await author.type("four").saved();
	author.destroy();
	await close();
});

test("Tracing on a stock server hands spans to whoever wants them", async () => {
	const spans: Span[] = [];
	const store = new SqliteStore({ path: join(temporaryFolder(), "documents.sqlite") });
	const tracing = new Tracing({ oneIn: 1, onSpans: (told) => spans.push(...told) });
	const server = new Server({
		quiet: true,
		address: "127.0.0.1",
		stopOnSignals: false,
		extensions: [new Durability({ store }), new Sync(), tracing],
	});
	const port = await freePort();
	await server.listen(port);
	onTestFinished(() => server.destroy());
	const client = openClient({ url: `ws://127.0.0.1:${port}`, name: "page" });
	onTestFinished(() => client.destroy());
	await client.synced();
	await client.type("one").saved();
	await eventually("a trace", () => spans.some(({ name }) => name === "edit"));
	expect(spans.map(({ name }) => name)).toEqual(
		expect.arrayContaining(["open document", "authenticate", "load document", "apply", "fan-out", "commit"]),
	);
	expect(() => new Tracing({})).toThrow(TypeError);
});
