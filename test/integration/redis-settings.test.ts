import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Cluster, Redis } from "ioredis";
import { expect, test } from "vitest";
import { createNode, SettingsError } from "../../server/index.ts";
import { localCluster } from "../support/cluster.ts";
import { runCommand } from "../support/command-line.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/node-process.ts";
import { startRedisCluster } from "../support/redis-cluster.ts";
import { startRedis } from "../support/redis-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

test("[CLU6] Redis with an SQLite file of one's own is refused at start, with the reason", async () => {
	const redisUrl = "redis://127.0.0.1:1";
	const refused = createNode({ redisUrl, data: temporaryFolder() });
	await expect(refused).rejects.toThrow(SettingsError);
	await expect(refused).rejects.toThrow(/share a database.*SQLite.*databaseUrl/);
	const byCode = createNode({ redis: () => new Redis({ lazyConnect: true }), data: temporaryFolder() });
	await expect(byCode).rejects.toThrow(SettingsError);

	const folder = temporaryFolder();
	const started = await runCommand(["start", "--redis-url", redisUrl, "--port", "0"], { folder });
	expect(started).toMatchObject({ code: 2, output: "" });
	expect(started.errors).toMatch(/share a database/);
	const examined = await runCommand(["doctor", "--redis-url", redisUrl], { folder });
	expect(examined.code).toBe(1);
	expect(examined.output).toMatch(/PROBLEM {2}Redis .*share a database/);
});

test("[CLU6] Redis that does not let the node in is refused at start, without telling the password", async () => {
	const redis = await startRedis();
	await redis.command("CONFIG", "SET", "requirepass", "right");
	const url = `redis://:wrong-secret@127.0.0.1:${redis.port}`;
	const refused = localCluster(url).node();
	await expect(refused).rejects.toThrow(/^Redis at redis:\/\/127\.0\.0\.1:\d+ refused: WRONGPASS/);
	await expect(refused).rejects.not.toThrow(/wrong-secret/);
	await expect(localCluster(redis.url).node()).rejects.toThrow(/NOAUTH/);
	const right = await localCluster(`redis://:right@127.0.0.1:${redis.port}`).node();
	expect(right.node.readiness().degraded).toEqual([]);
});

test("[CLU3] Redis that nobody has started yet does not keep a node from starting", async () => {
	const port = await freePort();
	const { node, client } = await localCluster(`redis://127.0.0.1:${port}`).node();
	expect(node.readiness()).toMatchObject({ ready: true, reasons: [] });
	expect(node.readiness().degraded).toHaveLength(1);
	await (await client("page").synced()).type("saved").saved();
});

test("/readyz is 200 and says what is degraded", async () => {
	const port = await freePort();
	const node = await localCluster(`redis://127.0.0.1:${port}`).node();
	const answer = await fetch(`http://127.0.0.1:${node.port}/readyz`);
	expect(answer.status).toBe(200);
	expect(await answer.json()).toEqual({
		ready: true,
		reasons: [],
		degraded: [expect.stringContaining("is away: ")],
	});
});

test("two prefixes on one Redis don't meet", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const one = await cluster.node({ redisPrefix: "one" });
	const two = await cluster.node({ redisPrefix: "two" });
	const bert = await two.client("page").synced();
	await (await one.client("page").synced()).type("x").saved();
	expect(two.node.bus?.nodes).toEqual([]);
	expect(bert.text.toString()).toBe("");
});

test("[CLU1] [CLU2] nodes meet through a Redis cluster that code connects to", async () => {
	const { servers } = await startRedisCluster();
	const redis = () => new Cluster(servers.map(({ port }) => ({ host: "127.0.0.1", port })));
	const cluster = localCluster("unused", { redisUrl: undefined, redis });
	const [one, two] = [await cluster.node(), await cluster.node()];
	await eventually("the nodes to know each other", () =>
		[one, two].every(({ node }) => node.bus?.nodes.length === 1),
	);
	const anna = await one.client("page").synced();
	const release = one.store.hold();
	anna.type("before ");
	await eventually("it to have arrived", () => {
		return one.node.hocuspocus.documents.get("page")?.getText("text").length === 7;
	});
	const connection = await two.node.openDirectConnection("page");
	expect(connection.document?.getText("text").toString()).toBe("before ");
	release();
	await connection.disconnect();
	const bert = await two.client("page").synced();
	for (let index = 0; index < 100; index += 1) {
		anna.type("a");
		bert.type("b");
		if (index % 10 === 0) await anna.saved();
	}
	await eventually("the same text", () => anna.text.length === 207 && bert.text.length === 207);
	expect(anna.text.toString()).toBe(bert.text.toString());
});

test("code may make the connections", async () => {
	const redis = await startRedis();
	const made: Redis[] = [];
	const make = () => {
		const client = new Redis(redis.url);
		made.push(client);
		return client;
	};
	const { node } = await localCluster("unused", { redisUrl: undefined, redis: make }).node();
	expect(made).toHaveLength(2);
	expect(node.readiness().degraded).toEqual([]);

	const folder = temporaryFolder();
	writeFileSync(join(folder, "indelible.config.mjs"), `export default { redis: "no function" };`);
	const wrong = await runCommand(["start"], { folder });
	expect(wrong).toMatchObject({ code: 2 });
	expect(wrong.errors).toMatch(/redis .* must be a function/);
});

test("a Redis role needs no more than docs/operations.md says", async () => {
	const redis = await startRedis();
	const rights = ["+publish", "+subscribe", "+unsubscribe", "+info", "&hocuspocus*"];
	await redis.command(
		"ACL",
		"SETUSER",
		"node",
		"reset",
		"on",
		">secret",
		"resetchannels",
		"-@all",
		...rights,
	);
	const cluster = localCluster(`redis://node:secret@127.0.0.1:${redis.port}`, { lingerMs: 0 });
	const [one, two] = [await cluster.node(), await cluster.node()];
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	anna.type("x");
	await eventually("the letter", () => bert.text.toString() === "x");
	bert.destroy();
	await eventually("it to be unloaded", () => two.node.hocuspocus.documents.size === 0);
	const denied = (await redis.command("ACL", "LOG")) as unknown[][];
	const commands = denied.map((entry) => entry[entry.indexOf("object") + 1]);
	expect(commands.filter((command) => !String(command).startsWith("client"))).toEqual([]);
	expect(two.node.readiness().degraded).toEqual([]);
});
