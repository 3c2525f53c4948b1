import { isTransactionOrigin, type RedisTransactionOrigin } from "@hocuspocus/server";

/** Whether another node has brought the update. */
export function isFromNode(origin: unknown): origin is RedisTransactionOrigin {
	return isTransactionOrigin(origin) && origin.source === "redis";
}

/** By the node that it came from, unless the origin says that it does not log it. */
export function isAlreadyLogged(origin: unknown): boolean {
	return isFromNode(origin) && !("isLogged" in origin && origin.isLogged === false);
}
