import { expect, test } from "vitest";
import { runCommand } from "../support/command-line.ts";
import { freePort } from "../support/node-process.ts";
import { startPostgres } from "../support/postgres-server.ts";
import { startRedis } from "../support/redis-server.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

/** @returns What `indelible doctor` has found, as `result: detail`, by check. */
async function examine(databaseUrl: string, redisUrl: string): Promise<Record<string, string>> {
	const environment = { INDELIBLE_DATABASE_URL: databaseUrl, INDELIBLE_REDIS_URL: redisUrl };
	const args = ["doctor", "--json", "--port", String(await freePort())];
	const { output, errors } = await runCommand(args, { environment });
	expect(errors).toBe("");
	expect(output).not.toContain("secret");
	const { findings }: { findings: { check: string; result: string; detail: string }[] } = JSON.parse(output);
	return Object.fromEntries(findings.map(({ check, result, detail }) => [check, `${result}: ${detail}`]));
}

test("Postgres and Redis that are as they should be", async () => {
	const [postgres, redis] = [await startPostgres(), await startRedis()];
	const found = await examine(await postgres.newDatabase(), redis.url);
	expect(found).toMatchObject({
		store: expect.stringMatching(/^ok: PostgreSQL .*, 1 of at most 100 connections$/),
		"store way": expect.stringMatching(
			/^(ok|warning): [\d.]+ ms there and back; commits wait for no standby/,
		),
		"store clock": "ok: the Postgres server's clock agrees with this machine's",
		Redis: expect.stringMatching(/^ok: Redis /),
		"Redis way": expect.stringMatching(
			/^(ok|warning): [\d.]+ ms there and back; \d+ of at most \d+ clients$/,
		),
		"Redis clock": "ok: the Redis server's clock agrees with this machine's",
	});
});

test("services that are far away, or have hardly any room", async () => {
	const [postgres, redis] = [await startPostgres(), await startRedis()];
	await redis.command("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1048576 0 0");
	const [toPostgres, toRedis] = [await startTcpProxy(postgres.port), await startTcpProxy(redis.port)];
	const databaseUrl = new URL(await postgres.newDatabase());
	databaseUrl.port = String(toPostgres.port);
	const near = await examine(databaseUrl.href, `redis://127.0.0.1:${toRedis.port}`);
	expect(near["Redis way"]).toMatch(/^warning: /);
	for (const proxy of [toPostgres, toRedis]) proxy.delayMs = 15;
	const far = await examine(databaseUrl.href, `redis://127.0.0.1:${toRedis.port}`);
	expect(far["store way"]).toMatch(/^warning: \d+\.\d ms there and back/);
	expect(far["Redis way"]).toMatch(/^warning: \d+\.\d ms there and back/);
	await redis.command("CONFIG", "SET", "maxclients", "2");
	const full = await examine(databaseUrl.href, `redis://127.0.0.1:${toRedis.port}`);
	expect(full["Redis way"]).toMatch(/^warning: .* of at most 2 clients$/);
});

test("a role of Redis that may do what a node does, and no more; and one that may not speak", async () => {
	const [postgres, redis] = [await startPostgres(), await startRedis()];
	const databaseUrl = await postgres.newDatabase();
	const rights = "on >secret resetchannels &hocuspocus* -@all +publish +subscribe +unsubscribe +info";
	await redis.command("ACL", "SETUSER", "enough", ...rights.split(" "));
	await redis.command("ACL", "SETUSER", "mute", ...rights.replace("+publish", "").split(/ +/));
	const urlFor = (user: string) => `redis://${user}:secret@127.0.0.1:${redis.port}`;
	const enough = await examine(databaseUrl, urlFor("enough"));
	expect(enough).toMatchObject({
		Redis: expect.stringMatching(/^ok: /),
		"Redis way": expect.stringMatching(/^(ok|warning): /),
	});
	// It may not ask for the time.
	expect(enough).not.toHaveProperty("Redis clock");
	expect((await examine(databaseUrl, urlFor("mute"))).Redis).toMatch(/^problem: .*NOPERM.*publish/);
});
