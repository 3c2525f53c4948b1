/** What every connection of a store is made with: structured clones of it reach the worker. */
export interface ConnectionSettings {
	readonly url: string;
	readonly schema: string;
	readonly statementTimeoutMs: number;
	/** See `PostgresStoreOptions`. */
	readonly group: string | undefined;
	/** Human-readable, without user or password. */
	readonly location: string;
}
