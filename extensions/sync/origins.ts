import type { Connection, LocalTransactionOrigin, TransactionOrigin } from "@hocuspocus/server";

/** Of a transaction that holds what several clients sent. To Hocuspocus it is the server's own. */
export interface SeveralConnections extends LocalTransactionOrigin {
	readonly connections: ReadonlySet<Connection>;
}

export function originOf(connections: ReadonlySet<Connection>): TransactionOrigin {
	const [connection] = connections;
	if (connections.size === 1 && connection !== undefined) return { source: "connection", connection };
	const several: SeveralConnections = { source: "local", connections };
	return several;
}

export function isFromSeveral(origin: unknown): origin is SeveralConnections {
	return typeof origin === "object" && origin !== null && "connections" in origin;
}
