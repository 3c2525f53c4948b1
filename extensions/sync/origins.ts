import type { Connection, LocalTransactionOrigin, TransactionOrigin } from "@hocuspocus/server";

/** Of a transaction that holds what several clients sent. To Hocuspocus it is the server's own. */
export interface SeveralConnections extends LocalTransactionOrigin {
	readonly connections: ReadonlySet<Connection>;
}

/** @param connections Of all that the transaction holds; one may be there several times. */
export function originOf(connections: readonly Connection[]): TransactionOrigin {
	const [connection] = connections;
	if (connection !== undefined && connections.every((other) => other === connection))
		return { source: "connection", connection };
	const several: SeveralConnections = { source: "local", connections: new Set(connections) };
	return several;
}

export function isFromSeveral(origin: unknown): origin is SeveralConnections {
	return typeof origin === "object" && origin !== null && "connections" in origin;
}
