import { expect, test } from "vitest";
import { signTicket } from "../../extensions/auth/index.ts";
import { localCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { startRedis } from "../support/redis-server.ts";
import { signToken, testSecret } from "../support/tokens.ts";

/** What the issue promises, and then what a busy machine may take. */
const revokedWithinMs = 5_000;

test("[ACC3] a revocation on one node ends a user's connections on all, and keeps them out everywhere", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url, { authJwtSecret: testSecret });
	const [one, two] = [await cluster.node(), await cluster.node()];
	const token = await signToken({ sub: "ann", iat: Math.floor(Date.now() / 1_000) - 10 });
	const here = await one.client("doc", { token }).synced();
	const there = await two.client("doc", { token }).synced();
	const bob = await two.client("doc", { token: await signToken({ sub: "bob" }) }).synced();
	const startMs = performance.now();
	expect(one.node.revoke({ user: "ann", action: "close" })).toBe(1);
	await eventually("both ends", () => here.closes.length > 0 && there.closes.length > 0, revokedWithinMs);
	console.info(`revoked on both nodes after ${Math.round(performance.now() - startMs)} ms`);
	expect(there.closes[0]).toEqual({ code: 4403, reason: "access-revoked" });
	await eventually("to be kept out", () => there.denials.includes("access-revoked"));
	expect(bob.closes).toEqual([]);
	// A node that comes later is told.
	const three = await cluster.node();
	await eventually("the newcomer to know", async () => {
		const late = three.client("doc", { token });
		await eventually("an answer", () => late.provider.isSynced || late.denials.length > 0);
		late.destroy();
		return late.denials[0] === "access-revoked";
	});
});

test("[ACC3] a downgrade reaches the other nodes, also one that was cut off from Redis meanwhile", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url, { authJwtSecret: testSecret });
	const [one, two] = [await cluster.node(), await cluster.node()];
	await eventually(
		"the nodes to meet",
		() => one.node.bus?.nodes.length === 1 && two.node.bus?.nodes.length === 1,
	);
	const token = await signToken({ sub: "ann", iat: Math.floor(Date.now() / 1_000) - 10 });
	const there = await two.client("doc", { token }).synced();
	await redis.kill();
	await eventually("Redis to be missed", () => one.node.bus?.status.status === "away");
	one.node.revoke({ document: "doc", action: "readonly" });
	expect(there.provider.authorizedScope).toBe("read-write");
	await redis.start();
	await eventually("reading only", () => there.provider.authorizedScope === "readonly");
	expect(there.closes).toEqual([]);
});

test("a ticket that was used on one node is used on the other", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url, { authTicketSecret: testSecret });
	const [one, two] = [await cluster.node(), await cluster.node()];
	await eventually(
		"the nodes to meet",
		() => one.node.bus?.nodes.length === 1 && two.node.bus?.nodes.length === 1,
	);
	const ticket = signTicket(testSecret, { documentName: "doc", permission: "write" });
	await one.client("doc", { url: `${one.url}/?ticket=${ticket}` }).synced();
	// Nothing but the message that is on its way tells the other node, so wait for one that comes after it.
	const probe = one.client("doc", { url: `${one.url}/?ticket=${ticket}` });
	await eventually("the second use here", () => probe.denials.includes("ticket-used"));
	const { receivedMessages = 0 } = two.node.bus?.stats() ?? {};
	await eventually(
		"what comes after it",
		() => (two.node.bus?.stats().receivedMessages ?? 0) > receivedMessages + 2,
	);
	const other = two.client("doc", { url: `${two.url}/?ticket=${ticket}` });
	await eventually("the second use there", () => other.denials.includes("ticket-used"));
});
