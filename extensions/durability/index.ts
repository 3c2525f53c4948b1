import "./required-node.ts";

export { type CompactionThresholds, defaultThresholds } from "./compaction-policy.ts";
export { Durability } from "./durability.ts";
export type { DurabilityEvent, DurabilityLogger } from "./logging.ts";
export type { DurabilityOptions } from "./options.ts";
export type { PostgresDiagnostics } from "./postgres/diagnostics.ts";
export { PostgresStore, type PostgresStoreOptions } from "./postgres/postgres-store.ts";
export * from "./seed/index.ts";
export { SeedError } from "./seed/sow.ts";
export type { SqliteDiagnostics } from "./sqlite/messages.ts";
export { SqliteStore, type SqliteStoreOptions } from "./sqlite/sqlite-store.ts";
export * from "./store.ts";
