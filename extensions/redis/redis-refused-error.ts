import { notInCluster } from "./deployment.ts";

/** Redis is there, and does not let us in, or is not what the URL says. */
export class RedisRefusedError extends Error {
	override readonly name = "RedisRefusedError";
}

/** @param reason Why a connection failed, in the words of Redis, a Sentinel or {@link Deployment}. */
export function isRefusal(reason: string): boolean {
	return /\b(WRONGPASS|NOAUTH|NOPERM)\b/.test(reason) || reason === notInCluster;
}
