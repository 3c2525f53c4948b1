import { expect, onTestFinished, test } from "vitest";
import { openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startNodeProcess } from "../support/node-process.ts";
import { type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import { startRedis } from "../support/redis-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

async function read(
	port: number,
): Promise<{ readonly type: string | null; readonly value: (name: string) => number }> {
	const response = await fetch(`http://127.0.0.1:${port}/metrics`);
	const text = await response.text();
	const values = new Map<string, number>();
	for (const line of text.split("\n")) {
		const [, name, value] = /^([^#\s]\S*) (\S+)$/.exec(line) ?? [];
		if (name !== undefined) values.set(name, Number(value));
	}
	return {
		type: response.headers.get("content-type"),
		value: (name) => {
			const value = values.get(name);
			if (value === undefined) throw new Error(`${name} is not there:\n${text}`);
			return value;
		},
	};
}

test("/metrics tells Prometheus what the node does", async () => {
	const node = await startNodeProcess({ data: temporaryFolder() });
	onTestFinished(async () => {
		await node.stop("SIGKILL");
	});
	const client = openClient({ url: node.url, name: "page" });
	onTestFinished(() => client.destroy());
	await client.synced();
	await client.type("one").saved();
	await client.type("two").saved();
	const { type, value } = await read(node.port);
	expect(type).toMatch(/^text\/plain; version=0\.0\.4/);
	expect(value("indelible_ready")).toBe(1);
	expect(value("indelible_connections")).toBe(1);
	expect(value("indelible_documents")).toBe(1);
	expect(value("indelible_log_updates_total")).toBe(2);
	expect(value("indelible_slow_readers_total")).toBe(0);
	expect(value("indelible_log_bytes_total")).toBeGreaterThan(6);
	expect(value("indelible_commit_duration_seconds_count")).toBe(2);
	expect(value("indelible_backlog_bytes")).toBe(0);
	expect(value("process_cpu_seconds_total")).toBeGreaterThan(0);
	expect(value("process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
	const again = await read(node.port);
	expect(again.value("indelible_log_updates_total")).toBe(2);
	expect(() => value("indelible_bus_up")).toThrow("is not there");
});

test("[CLU3] /metrics tells whether Redis is there, and who is heard through it", async () => {
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
	await eventually("the other node", async () => (await read(port)).value("indelible_bus_nodes") === 1);
	const before = await read(port);
	expect(before.value("indelible_bus_up")).toBe(1);
	expect(before.value("indelible_bus_published_messages_total")).toBeGreaterThan(0);
	expect(before.value('indelible_bus_events_total{type="redis-up"}')).toBe(1);
	await redis.kill();
	await eventually("it to be noticed", async () => (await read(port)).value("indelible_bus_up") === 0);
	expect((await read(port)).value("indelible_bus_problems")).toBe(1);
	expect((await read(port)).value("indelible_ready")).toBe(1);
});
