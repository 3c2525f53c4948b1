import { expect, test } from "vitest";
import {
	type ExaminedServer,
	redisCluster,
	type SentinelReport,
	sentinels,
	singleServer,
} from "../../extensions/redis/deployment.ts";

const [a, b, c] = ["a", "b", "c"].map((host) => ({ host, port: 1 })) as [Place, Place, Place];
type Place = { readonly host: string; readonly port: number };

const server = (answers: { readonly info?: string; readonly nodes?: string }): ExaminedServer => ({
	info: async () => answers.info ?? "# Replication\r\nrole:master\r\n",
	cluster: async () => answers.nodes ?? "",
});
const replica = server({ info: "# Replication\r\nrole:slave\r\nmaster_host:a\r\n" });

test("one server must be no replica, unless it is one of a cluster", async () => {
	const single = singleServer(a);
	expect(await single.places()).toEqual([a]);
	expect(single.objection({})).toBeUndefined();
	expect(single.objection({ role: "master", cluster_enabled: "0" })).toBeUndefined();
	expect(single.objection({ role: "slave", cluster_enabled: "0" })).toMatch(/replica/);
	expect(await single.review(server({}), a)).toBeUndefined();
	expect(await single.review(replica, a)).toMatch(/replica/);
	expect(single.objection({ role: "slave", cluster_enabled: "1" })).toBeUndefined();
	expect(await single.review(replica, a)).toBeUndefined();
});

test("of Sentinels that name different primaries, those who know of the last failover are believed", async () => {
	const reports: SentinelReport[] = [
		{ place: a, epoch: 9 },
		{ place: b, epoch: 10 },
		{ place: a, epoch: 9 },
	];
	const group = sentinels(async () => reports);
	expect(await group.places()).toEqual([b]);
	expect(await group.review(server({}), b)).toBeUndefined();
	expect(await group.review(server({}), a)).toBe("the Sentinels have made b:1 the primary");
	expect(await group.review(replica, b)).toMatch(/replica/);
	expect(group.objection({ role: "slave" })).toMatch(/replica/);
});

test("two connections begin at two servers of a cluster, and each goes on to the next", async () => {
	const one = redisCluster([a, b, c], 2);
	expect(await one.places()).toEqual([c, a, b]);
	expect(await one.places()).toEqual([a, b, c]);
	expect(await redisCluster([a, b, c], 3).places()).toEqual([a, b, c]);
	expect(one.objection({ cluster_enabled: "0" })).toMatch(/not part of a Redis cluster/);
	expect(one.objection({ cluster_enabled: "1", role: "slave" })).toBeUndefined();
	expect(one.objection({})).toBeUndefined();
});

const whole = [
	"1 a:1@2 myself,master - 0 0 1 connected 0-5460",
	"2 b:1@2,b master - 0 1 2 connected 5461-10922",
	"3 c:1@2 master - 0 1 3 connected 10923-16383",
	"4 d:1@2 slave,fail 3 0 1 3 disconnected",
	"5 e:1@2 master,fail - 0 1 3 disconnected",
	"",
].join("\n");
const oneLost = whole.replace("a:1@2 myself,master", "a:1@2 master,fail");
const mostLost = oneLost.replace("b:1@2,b master", "b:1@2,b master,fail?");

test("a server that has lost most of its cluster is left, as long as others may know better", async () => {
	const cluster = redisCluster([a, b, c], 0);
	await cluster.places();
	expect(await cluster.review(server({ nodes: whole }), a)).toBeUndefined();
	expect(await cluster.review(server({ nodes: oneLost }), a)).toBeUndefined();
	expect(await cluster.review(server({ nodes: mostLost }), b)).toMatch(/most of the Redis cluster/);
	expect(await cluster.places()).toEqual([c, a, b]);
	for (const place of [c, a]) expect(await cluster.review(server({ nodes: mostLost }), place)).toBeDefined();
	expect(await cluster.review(server({ nodes: mostLost }), b)).toBeUndefined();
	expect(await cluster.review(server({ nodes: whole }), b)).toBeUndefined();
	expect(await cluster.review(server({ nodes: mostLost }), b)).toBeDefined();
});
