import { locationOf } from "../../extensions/redis/redis-url.ts";
import { refusePrivateStore } from "../private-store.ts";
import type { Settings } from "../settings.ts";
import { SettingsError } from "../settings-error.ts";
import type { Finding } from "./finding.ts";

const check = "Redis";

/** Looks at Redis, and whether this node has anything to say through it. */
export async function checkRedis(redisUrl: string, settings: Settings): Promise<Finding> {
	const { redisProduct } = await import("../../extensions/redis/connect.ts");
	const location = locationOf(redisUrl);
	try {
		refusePrivateStore(settings);
		return { check, result: "ok", detail: `${await redisProduct(redisUrl)} at ${location}` };
	} catch (error) {
		const { message } = error as Error;
		if (error instanceof SettingsError)
			return { check, result: "problem", detail: message, advice: "Set databaseUrl, or leave out redisUrl." };
		const advice = "Until it answers, nodes hear nothing of each other.";
		return { check, result: "problem", detail: `${location}: ${message}`, advice };
	}
}
