import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Server } from "@hocuspocus/server";
import { type OpenMetricsContentType, Registry } from "prom-client";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import * as Y from "yjs";
import { Durability, SqliteStore } from "../../extensions/durability/index.ts";
import { Metrics, type MetricsOptions } from "../../extensions/metrics/index.ts";
import { Sync } from "../../extensions/sync/index.ts";
import { metricsPage, metricsPagePath } from "../../scripts/metrics-page.ts";
import { openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { fetchMetrics, readMetrics } from "../support/metrics-text.ts";
import { freePort, startNodeProcess } from "../support/node-process.ts";
import { type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import { startRedis } from "../support/redis-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { syncStep2Frame, updateFrame } from "../support/wire-frames.ts";

const fromRoot = (path: string) =>
	readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), "utf8");

test("/metrics tells Prometheus what the node does", async () => {
	const node = await startNodeProcess({ data: temporaryFolder() });
	onTestFinished(async () => {
		await node.stop("SIGKILL");
	});
	const [author, reader] = [0, 1].map(() => {
		const client = openClient({ url: node.url, name: "page" });
		onTestFinished(() => client.destroy());
		return client;
	}) as [ReturnType<typeof openClient>, ReturnType<typeof openClient>];
	await author.synced();
	await reader.synced();
	await author.type("one").saved();
	await author.type("two").saved();
	await eventually("the other to have read both", () => reader.text.toString() === "onetwo");
	const response = await fetch(`http://127.0.0.1:${node.port}/metrics`);
	expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
	const { value, sum } = readMetrics(await response.text());
	expect(value("indelible_ready")).toBe(1);
	expect(value("indelible_connections")).toBe(2);
	expect(value("indelible_connections_total")).toBe(2);
	expect(value("indelible_documents")).toBe(1);
	expect(value("indelible_document_connections")).toBe(2);
	expect(value("indelible_updates_received_total")).toBe(2);
	expect(value("indelible_deliveries_total")).toBe(2);
	expect(value("indelible_joins_total")).toBe(2);
	expect(value("indelible_acknowledgement_seconds_count")).toBe(2);
	expect(value("indelible_fan_out_seconds_count")).toBe(2);
	expect(value('indelible_acknowledgement_seconds_bucket{le="+Inf"}')).toBe(2);
	expect(sum("indelible_fan_out_seconds_sum")).toBeGreaterThan(0);
	expect(sum("indelible_acknowledgement_seconds_sum")).toBeGreaterThan(
		sum("indelible_commit_duration_seconds_sum") / 2,
	);
	expect(value("indelible_received_bytes_total")).toBeGreaterThan(100);
	expect(value("indelible_sent_bytes_total")).toBeGreaterThan(100);
	expect(value("indelible_log_updates_total")).toBe(2);
	expect(value("indelible_log_depth_updates")).toBe(2);
	expect(value("indelible_log_depth_updates_max")).toBe(2);
	expect(value("indelible_log_bytes_total")).toBeGreaterThan(6);
	expect(value("indelible_commit_duration_seconds_count")).toBe(2);
	expect(value("indelible_backlog_bytes")).toBe(0);
	expect(value("indelible_backlog_age_seconds")).toBe(0);
	expect(value("indelible_accepting_writes")).toBe(1);
	expect(value("indelible_slow_readers_total")).toBe(0);
	expect(value("indelible_disk_free_bytes")).toBeGreaterThan(0);
	expect(value("process_cpu_seconds_total")).toBeGreaterThan(0);
	expect(value("process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
	expect(value("indelible_memory_bytes")).toBeLessThan(value("indelible_memory_max_bytes"));
	expect(() => value("indelible_bus_up")).toThrow("is not there");
	author.destroy();
	await eventually("the end of a socket to be counted", async () => {
		const after = await fetchMetrics(node.port);
		return after.value("indelible_connections") === 1 && after.sum("indelible_closes_total") === 1;
	});
	const after = await fetchMetrics(node.port);
	expect(after.value("indelible_updates_received_total")).toBe(2);
	expect(after.value("indelible_received_bytes_total")).toBeGreaterThanOrEqual(
		value("indelible_received_bytes_total"),
	);
});

test("the same is counted and measured when a hook watches messages, from their receipt on", async () => {
	const metrics = new Metrics({ process: false });
	const hookMs = 40;
	const { client } = await startLocalNode({
		extensions: [metrics],
		async beforeHandleMessage() {
			await delay(hookMs);
		},
	});
	const author = await client("page").synced();
	const reader = await client("page").synced();
	await author.saved();
	author.type("one");
	author.type("two");
	await author.saved();
	await eventually("the other to have read both", () => reader.text.toString() === "onetwo");
	const { value } = readMetrics(await metrics.text());
	expect(value("indelible_updates_received_total")).toBe(2);
	expect(value("indelible_fan_out_seconds_count")).toBe(2);
	expect(value("indelible_acknowledgement_seconds_count")).toBe(2);
	for (const name of ["fan_out", "acknowledgement"])
		expect(value(`indelible_${name}_seconds_sum`), name).toBeGreaterThanOrEqual((2 * (hookMs - 1)) / 1_000);
});

test("who joins in the moment of an edit and has nothing to add is no edit, and the author's edit is not sent back to it", async () => {
	const metrics = new Metrics({ process: false });
	const { node, client } = await startLocalNode({ extensions: [metrics] });
	const author = await (await client("page").synced()).saved();
	const [authors] = node.hocuspocus.documents.get("page")?.connections.keys() ?? [];
	const reader = await (await client("page").synced()).saved();
	const [, readers] = node.hocuspocus.documents.get("page")?.connections.keys() ?? [];
	const typed = new Y.Doc();
	typed.getText("elsewhere").insert(0, "one");
	authors?.handleMessage(updateFrame("page", Y.encodeStateAsUpdate(typed)));
	readers?.handleMessage(syncStep2Frame("page", Y.encodeStateAsUpdate(new Y.Doc())));
	const arrived = () => reader.document.getText("elsewhere").toString() === "one";
	await eventually("the other to have it", arrived);
	const { value } = readMetrics(await metrics.text());
	expect(value("indelible_updates_received_total")).toBe(1);
	expect(value("indelible_fan_out_seconds_count")).toBe(1);
	expect(value("indelible_deliveries_total")).toBe(1);
	expect(author.document.getText("elsewhere").toString()).toBe("");
});

test("[DUR3] while the store fails, the age of the backlog grows and failures are counted", async () => {
	const metrics = new Metrics({ process: false });
	const { store, client } = await startLocalNode({ extensions: [metrics] });
	const author = client("page");
	await author.synced();
	const read = async () => readMetrics(await metrics.text());
	store.fail();
	author.type("kept");
	await eventually("a failure", async () => (await read()).value("indelible_commit_failures_total") > 0);
	expect((await read()).value("indelible_backlog_updates")).toBe(1);
	expect((await read()).value("indelible_store_failing")).toBe(1);
	const ageS = (await read()).value("indelible_backlog_age_seconds");
	await eventually(
		"it to be older",
		async () => (await read()).value("indelible_backlog_age_seconds") > ageS,
	);
	expect((await read()).value("indelible_acknowledgement_seconds_count")).toBe(0);
	store.recover();
	await author.saved();
	expect((await read()).value("indelible_store_failing")).toBe(0);
	expect((await read()).value("indelible_commit_running_seconds")).toBe(0);
	expect((await read()).value("indelible_backlog_age_seconds")).toBe(0);
	expect((await read()).value("indelible_acknowledgement_seconds_count")).toBe(1);
});

test("[CLU3] /metrics tells whether Redis is there, and who is heard through it; dashboard and alert rules ask for nothing that is not there", async () => {
	let end = async () => {};
	const postgres: PostgresServer = await startPostgres((endPostgres) => {
		end = endPostgres;
	});
	onTestFinished(() => end());
	const redis = await startRedis();
	const flags = ["--database-url", await postgres.newDatabase(), "--redis-url", redis.url];
	const nodes = [
		await startNodeProcess({ data: temporaryFolder(), flags }),
		await startNodeProcess({ data: temporaryFolder(), flags }),
	];
	onTestFinished(async () => {
		await Promise.all(nodes.map((node) => node.stop("SIGKILL")));
	});
	const port = nodes[0]?.port ?? 0;
	const read = () => fetchMetrics(port);
	await eventually("the other node", async () => (await read()).value("indelible_bus_nodes") === 1);
	await eventually(
		"a heartbeat to be measured",
		async () => (await read()).value("indelible_bus_round_trip_seconds_count") > 0,
	);
	const before = await read();
	expect(before.value("indelible_bus_up")).toBe(1);
	expect(before.value("indelible_bus_away_seconds")).toBe(0);
	expect(before.value("indelible_bus_unconfirmed_seconds")).toBe(0);
	expect(before.value("indelible_bus_published_messages_total")).toBeGreaterThan(0);
	expect(before.value('indelible_bus_events_total{type="redis-up"}')).toBe(1);
	expect(() => before.value("indelible_disk_free_bytes")).toThrow("is not there");

	// What only a node with a database of its own has.
	const known = new Set([...before.series, "indelible_disk_free_bytes", "indelible_disk_size_bytes", "up"]);
	for (const query of [...dashboardQueries(), ...alertRules().map(({ expr }) => expr)])
		for (const name of namesIn(query)) expect(known, query).toContain(name);

	await redis.kill();
	await eventually("it to be noticed", async () => (await read()).value("indelible_bus_up") === 0);
	const after = await read();
	expect(after.value("indelible_bus_problems")).toBe(1);
	expect(after.value("indelible_bus_away_seconds")).toBeGreaterThan(0);
	expect(after.value("indelible_ready")).toBe(1);
});

interface AlertRule {
	readonly alert: string;
	readonly expr: string;
	readonly for?: string;
	readonly labels: { readonly severity: string };
	readonly annotations: { readonly summary: string; readonly description: string; readonly runbook: string };
}

function alertRules(): AlertRule[] {
	const { groups } = parse(fromRoot("deploy/prometheus/alerts.yaml")) as {
		readonly groups: readonly { readonly rules: readonly AlertRule[] }[];
	};
	return groups.flatMap(({ rules }) => rules);
}

function dashboardQueries(): string[] {
	const dashboard = JSON.parse(fromRoot("deploy/grafana/indelible.json")) as {
		readonly panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
	};
	return dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
}

/** Metrics that a query in PromQL asks for. */
function namesIn(query: string): string[] {
	const withoutTexts = query.replaceAll(/"[^"]*"/g, "");
	return [...withoutTexts.matchAll(/\b(?:indelible|process|nodejs)_\w+|\bup\b/g)].map(([name]) => name);
}

const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;

test.skipIf(!hasPromtool)("each trouble makes one page at a time (skipped without promtool)", () => {
	const folder = new URL("../../deploy/prometheus/", import.meta.url);
	for (const args of [
		["check", "config", "prometheus.yaml"],
		["test", "rules", "alerts.test.yaml"],
	]) {
		const { status, stdout, stderr } = spawnSync("promtool", args, { cwd: folder, encoding: "utf8" });
		expect(status, stdout + stderr).toBe(0);
	}
});

test("each alert says how bad it is, what it means, and where to read what to do", () => {
	const rules = alertRules();
	expect(rules.length).toBeGreaterThan(15);
	expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
	for (const { alert, labels, annotations, for: duration = "0s" } of rules) {
		expect(alert).toMatch(/^Indelible[A-Z]\w+$/);
		expect(labels.severity).toMatch(/^(page|ticket)$/);
		expect(duration).toMatch(/^\d+[sm]$/);
		const anchor = alert
			.replace("Indelible", "alert")
			.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
		expect(annotations.runbook).toBe(`docs/operations.md#${anchor}`);
		for (const text of [annotations.summary, annotations.description])
			expect(text.length).toBeGreaterThan(10);
	}
});

test("docs/metrics.md lists every metric (`npm run docs` writes it)", async () => {
	expect(readFileSync(metricsPagePath, "utf8")).toBe(await metricsPage());
});

async function startStock(options: MetricsOptions) {
	const store = new SqliteStore({ path: join(temporaryFolder(), "documents.sqlite") });
	const metrics = new Metrics(options);
	const extensions = [metrics, new Durability({ store }), new Sync()];
	const server = new Server({ quiet: true, address: "127.0.0.1", stopOnSignals: false, extensions });
	const port = await freePort();
	await server.listen(port);
	onTestFinished(() => server.destroy());
	const client = openClient({ url: `ws://127.0.0.1:${port}`, name: "page" });
	onTestFinished(() => client.destroy());
	return { port, client, metrics };
}

test("Metrics on a stock server answers at a path of your choice, and nowhere else", async () => {
	const { port, client } = await startStock({ path: "/metrics" });
	await client.synced();
	await client.type("one").saved();
	const { value } = await fetchMetrics(port);
	expect(value("indelible_documents")).toBe(1);
	expect(value("indelible_document_connections")).toBe(1);
	expect(value("indelible_updates_received_total")).toBe(1);
	expect(value("indelible_acknowledgement_seconds_count")).toBe(1);
	expect(() => value("indelible_connections")).toThrow("is not there");
	expect(await (await fetch(`http://127.0.0.1:${port}/other`)).text()).not.toContain("indelible");
	const post = await fetch(`http://127.0.0.1:${port}/metrics`, { method: "POST" });
	expect(post.status).toBe(405);
});

test("Metrics goes into a registry of yours, with what else is a source among the extensions, and without a path answers nothing", async () => {
	const register = new Registry();
	const { port, client } = await startStock({ register, process: false });
	await client.synced();
	const text = await register.metrics();
	expect(readMetrics(text).value("indelible_documents")).toBe(1);
	expect(text).not.toContain("process_");
	expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).not.toContain("indelible");
});

test("a metric that can't be read is left out and told once; all the others are there", async () => {
	const errors: object[] = [];
	const logger = { debug() {}, info() {}, warn() {}, error: (fields: object) => errors.push(fields) };
	const { port, client, metrics } = await startStock({ path: "/metrics", logger });
	metrics.sink.gauge("yours_broken", "Fails at once", () => {
		throw new Error("not today");
	});
	metrics.sink.counter("yours_late_total", "Fails later", () => Promise.reject(new Error("not today")));
	metrics.sink.gauge("yours_fine", "Works", () => 1);
	await client.synced();
	for (let round = 0; round < 2; round += 1) {
		const { value } = await fetchMetrics(port);
		expect(value("yours_fine")).toBe(1);
		expect(value("indelible_documents")).toBe(1);
		expect(() => value("yours_broken")).toThrow("is not there");
	}
	expect(errors).toHaveLength(2);
	expect(errors).toContainEqual({ err: expect.any(Error), metric: "yours_broken" });
});

test("a registry of yours may be one of OpenMetrics", async () => {
	const register = new Registry<OpenMetricsContentType>();
	register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
	const { client, metrics } = await startStock({ register });
	await client.synced();
	await client.type("one").saved();
	const text = await metrics.text();
	expect(text).toMatch(/^# TYPE indelible_updates_received counter$/m);
	expect(text).toMatch(/^indelible_updates_received_total 1$/m);
	expect(text).toMatch(/^indelible_acknowledgement_seconds_count 1$/m);
	expect(text.endsWith("\n# EOF\n")).toBe(true);
	expect(metrics.contentType).toContain("openmetrics");
});
