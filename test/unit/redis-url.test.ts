import { expect, test } from "vitest";
import { locationOf, parseRedisUrl, RedisUrlError } from "../../extensions/redis/redis-url.ts";
import { problemWith } from "../../server/settings.ts";

const nobody = { username: undefined, password: undefined };

test("a URL of one server", () => {
	expect(parseRedisUrl("redis://db")).toEqual({
		kind: "single",
		tls: false,
		...nobody,
		places: [{ host: "db", port: 6379 }],
	});
	for (const url of [
		"rediss://:a%20b@10.0.0.1:1",
		"rediss://:a%20b@10.0.0.1:1/",
		"REDISS://:a%20b@10.0.0.1:1/15",
	])
		expect(parseRedisUrl(url)).toEqual({
			kind: "single",
			tls: true,
			username: undefined,
			password: "a b",
			places: [{ host: "10.0.0.1", port: 1 }],
		});
});

test("a URL of Sentinels", () => {
	const url =
		"redis+sentinel://node:p%40ss%3A%2F%3F@one:26379,[::1]:5,three/my%20master/2?sentinel_username=s&sentinel_password=%26x";
	expect(parseRedisUrl(url)).toEqual({
		kind: "sentinel",
		tls: false,
		username: "node",
		password: "p@ss:/?",
		places: [
			{ host: "one", port: 26_379 },
			{ host: "::1", port: 5 },
			{ host: "three", port: 26_379 },
		],
		name: "my master",
		sentinel: { username: "s", password: "&x" },
	});
	expect(parseRedisUrl("rediss+sentinel://one/m")).toMatchObject({ tls: true, sentinel: nobody });
});

test("a URL of a cluster", () => {
	expect(parseRedisUrl("rediss+cluster://a:1,b")).toEqual({
		kind: "cluster",
		tls: true,
		...nobody,
		places: [
			{ host: "a", port: 1 },
			{ host: "b", port: 6379 },
		],
	});
	expect(parseRedisUrl("redis+cluster://a:1/0").kind).toBe("cluster");
});

test("a password may hold a colon or an at sign as it is", () => {
	expect(parseRedisUrl("redis://u:a:b@c@host")).toMatchObject({ username: "u", password: "a:b@c" });
});

test.each([
	["", "must begin with redis://"],
	["host:6379", "must begin with"],
	["http://secret@host", "must begin with"],
	["redis+sentinels://secret@host", "must begin with"],
	["redis://", "each host must be like"],
	["redis://:secret@", "each host"],
	["redis://:sec/ret@host", "each host"],
	["redis://host#secret", "each host"],
	["redis://host/#secret", "the database must be"],
	["redis://:sec?ret@host", "each host"],
	["redis://host:0", "each host"],
	["redis://host:65536", "each host"],
	["redis://host:secret", "each host"],
	["redis://::1:6379", "each host"],
	["redis+cluster://a,,b", "each host"],
	["redis+cluster://a b", "each host"],
	["redis://a,b", "several hosts need"],
	["redis://secret@host", "a user needs a password"],
	["redis://:%secret@host", "the password must be percent-encoded"],
	["redis://%secret:x@host", "the user must be percent-encoded"],
	["redis://host/secret", "the database must be a number"],
	["redis://host/1/2", "the database must be a number"],
	["redis://host?password=secret", "there may be nothing"],
	["redis+cluster://host/1", "nothing behind the hosts"],
	["redis+sentinel://host", "the name of the primary is missing"],
	["redis+sentinel://host/", "the name of the primary is missing"],
	["redis+sentinel://host/%secret", "the name of the primary must be percent-encoded"],
	["redis+sentinel://host/name/secret", "the database must be a number"],
	["redis+sentinel://host/name?password=secret", "sentinel_username and sentinel_password"],
])("%s is refused: %s", (url, reason) => {
	expect(() => parseRedisUrl(url)).toThrow(RedisUrlError);
	expect(() => parseRedisUrl(url)).toThrow(reason);
	expect(() => parseRedisUrl(url)).not.toThrow(/sec|ret\b/);
	expect(problemWith("redisUrl", url)).toMatch(/^must be a URL like redis:.*: /);
	expect(problemWith("redisUrl", url)).toContain(reason);
	expect(problemWith("redisUrl", url)).not.toMatch(/sec|ret\b/);
	expect(locationOf(url)).toBe("Redis");
});

test("where Redis is can be told without secrets", () => {
	expect(locationOf("rediss://u:p@host/3")).toBe("rediss://host:6379");
	expect(locationOf("redis+sentinel://u:p@a,[::1]:5/name/0?sentinel_password=p")).toBe(
		"redis+sentinel://a:26379,[::1]:5/name",
	);
	expect(locationOf("redis+cluster://u:p@a,b:1")).toBe("redis+cluster://a:6379,b:1");
});
