import { type PostgresDiagnostics, PostgresStore } from "../../extensions/durability/index.ts";
import { adviceOnStore } from "../advice.ts";
import { judgeClock } from "./check-clock.ts";
import type { Finding } from "./finding.ts";

const check = "store";
/** One that appends, four that read, one that compacts, one that listens. */
const connectionsPerNode = 7;

/** A commit takes at least one of these, and so does an acknowledgement. */
const latencyMsMax = 20;

/**
 * Looks at the Postgres database without changing it.
 * @param group See `PostgresStoreOptions`.
 */
export async function checkDatabase(databaseUrl: string, group?: string): Promise<Finding[]> {
	try {
		const store = new PostgresStore({ url: databaseUrl, group });
		const found = await store.diagnostics();
		const { latencyMs, clockAheadMs } = found;
		const clock = judgeClock({
			who: "the Postgres server's clock",
			aheadMs: clockAheadMs,
			doubtMs: latencyMs / 2,
		});
		return [judge(store.location, found), ...judgeWay(found), { ...clock, check: "store clock" }];
	} catch (error) {
		const { message: detail } = error as Error;
		return [
			{
				check,
				result: "problem",
				detail,
				advice: adviceOnStore(detail) ?? "See docs/operations.md. Nothing was changed.",
			},
		];
	}
}

/** What makes acknowledgements slow. */
function judgeWay({ latencyMs, synchronousStandbys }: PostgresDiagnostics): Finding[] {
	const took = `${latencyMs.toFixed(1)} ms there and back`;
	const waits =
		synchronousStandbys === ""
			? "commits wait for no standby: a failover can lose the last ones"
			: `commits wait for ${synchronousStandbys}`;
	const detail = `${took}; ${waits}`;
	if (latencyMs <= latencyMsMax) return [{ check: "store way", result: "ok", detail }];
	const advice = "Every acknowledgement takes this and more. Put nodes and database into one data centre.";
	return [{ check: "store way", result: "warning", detail, advice }];
}

function judge(location: string, found: PostgresDiagnostics): Finding {
	const { serverVersion, schemaVersion, isReadOnly, fsync, connectionsMax, connections } = found;
	const tables = schemaVersion === 0 ? "the node will make its tables" : `schema ${schemaVersion}`;
	const detail = `PostgreSQL ${serverVersion} at ${location}, ${tables}, ${connections} of at most ${connectionsMax} connections`;
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
	const left = connectionsMax - connections;
	if (connectionsMax < 2 * connectionsPerNode || left < connectionsPerNode) {
		const advice = `A node uses up to ${connectionsPerNode} connections, and ${left} are free. Raise max_connections on the server.`;
		return { check, result: "warning", detail, advice };
	}
	return { check, result: "ok", detail };
}
