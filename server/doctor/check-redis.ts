import type { RedisDiagnostics } from "../../extensions/redis/connect.ts";
import { locationOf } from "../../extensions/redis/redis-url.ts";
import type { Configuration } from "../configuration.ts";
import { asGiven } from "../given-settings.ts";
import { refusePrivateStore } from "../private-store.ts";
import { SettingsError } from "../settings-error.ts";
import { judgeClock } from "./check-clock.ts";
import type { Finding } from "./finding.ts";

const check = "Redis";
/** Each edit takes it once on its way to people on other nodes. */
const latencyMsMax = 20;
/** One that publishes and one that listens. */
const clientsPerNode = 2;
/** Redis' own default is 32 MiB; the largest messages have 8 MiB. */
const listenerBytesMin = 16 * 1024 * 1024;

/** Looks at Redis, and whether this node has anything to say through it. */
export async function checkRedis(
	redisUrl: string,
	{ settings, origins }: Pick<Configuration, "settings" | "origins">,
): Promise<Finding[]> {
	const { diagnoseRedis } = await import("../../extensions/redis/connect.ts");
	const location = locationOf(redisUrl);
	try {
		refusePrivateStore(settings);
		const found = await diagnoseRedis(redisUrl, `${settings.redisPrefix}:indelible-doctor`);
		const way = judgeWay(found);
		return [{ check, result: "ok", detail: `${found.product} at ${location}` }, way, ...judgeTime(found)];
	} catch (error) {
		const { message } = asGiven(error, origins) as Error;
		if (error instanceof SettingsError)
			return [
				{
					check,
					result: "problem",
					detail: message,
					advice: "Give it a database that the nodes share, or leave out Redis.",
				},
			];
		const advice = /^NOPERM/.test(message)
			? "Its role lacks a right: docs/operations.md, How Redis is run, lists them."
			: "Until it answers, nodes hear nothing of each other.";
		return [{ check, result: "problem", detail: `${location}: ${message}`, advice }];
	}
}

function judgeWay({ latencyMs, clients, clientsMax, listenerBytesMax }: RedisDiagnostics): Finding {
	const counted =
		clients === undefined || clientsMax === undefined ? "" : `; ${clients} of at most ${clientsMax} clients`;
	const finding = { check: "Redis way", detail: `${latencyMs.toFixed(1)} ms there and back${counted}` };
	const advice = adviceFor({ latencyMs, clients, clientsMax, listenerBytesMax });
	return advice === undefined ? { ...finding, result: "ok" } : { ...finding, result: "warning", advice };
}

function adviceFor({
	latencyMs,
	clients = 0,
	clientsMax = Number.POSITIVE_INFINITY,
	listenerBytesMax = 0,
}: Pick<RedisDiagnostics, "latencyMs" | "clients" | "clientsMax" | "listenerBytesMax">): string | undefined {
	if (clientsMax - clients < clientsPerNode) return "A node needs two connections. Raise maxclients.";
	if (latencyMs > latencyMsMax)
		return "Edits reach other nodes that much later. Put nodes and Redis into one data centre.";
	if (listenerBytesMax > 0 && listenerBytesMax < listenerBytesMin)
		return `Listeners are cut off past ${listenerBytesMax} bytes. Give client-output-buffer-limit pubsub 32 MiB, Redis' default.`;
	return undefined;
}

function judgeTime({ clockAheadMs: aheadMs, latencyMs }: RedisDiagnostics): Finding[] {
	if (aheadMs === undefined) return [];
	return [
		{ ...judgeClock({ who: "the Redis server's clock", aheadMs, doubtMs: latencyMs }), check: "Redis clock" },
	];
}
