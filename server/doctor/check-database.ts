import { type PostgresDiagnostics, PostgresStore } from "../../extensions/durability/index.ts";
import type { Finding } from "./finding.ts";

const check = "store";
/** One that appends, four that read, one that compacts, one that listens. */
const connectionsPerNode = 7;

/**
 * Looks at the Postgres database without changing it.
 * @param group See `PostgresStoreOptions`.
 */
export async function checkDatabase(databaseUrl: string, group?: string): Promise<Finding> {
	try {
		const store = new PostgresStore({ url: databaseUrl, group });
		return judge(store.location, await store.diagnostics());
	} catch (error) {
		return {
			check,
			result: "problem",
			detail: (error as Error).message,
			advice: "See docs/operations.md. Nothing was changed.",
		};
	}
}

function judge(location: string, found: PostgresDiagnostics): Finding {
	const { serverVersion, schemaVersion, isReadOnly, fsync, connectionsMax } = found;
	const tables = schemaVersion === 0 ? "the node will make its tables" : `schema ${schemaVersion}`;
	const detail = `PostgreSQL ${serverVersion} at ${location}, ${tables}, at most ${connectionsMax} connections`;
	if (isReadOnly) {
		const advice =
			"It can only be read: a standby, or default_transaction_read_only. Connect to the primary.";
		return { check, result: "problem", detail, advice };
	}
	if (!fsync) {
		const advice =
			"fsync is off on this server: what it reports as committed is lost with the machine. Turn it on.";
		return { check, result: "problem", detail, advice };
	}
	if (connectionsMax < 2 * connectionsPerNode) {
		const advice = `A node uses up to ${connectionsPerNode} connections. Raise max_connections on the server.`;
		return { check, result: "warning", detail, advice };
	}
	return { check, result: "ok", detail };
}
