import type { Client } from "pg";
import { StoreConfigurationError } from "../store.ts";
import type { ConnectionSettings } from "./connection-settings.ts";
import { refuseStrangers } from "./membership.ts";
import { unavailable } from "./postgres-error.ts";
import { connect, readVersion } from "./prepare-schema.ts";
import { checkMayMigrate, checkRights } from "./rights.ts";
import { schemaVersion } from "./schema.ts";

/** What a server is like, for the operator. */
export interface PostgresDiagnostics {
	readonly serverVersion: string;
	/** 0 when the tables are not there yet. */
	readonly schemaVersion: number;
	/** A standby, or a database that may only be read. */
	readonly isReadOnly: boolean;
	/** Whether commits are flushed to the disk at all. */
	readonly fsync: boolean;
	/** Of the role, or the server's. Appends don't rely on it. */
	readonly synchronousCommit: string;
	readonly connectionsMax: number;
	/** Connections that are open now, of everybody. */
	readonly connections: number;
	/** There and back, for the quickest of a few questions, in ms. */
	readonly latencyMs: number;
	/** How far the server's clock is ahead of this machine's, in ms; less than nothing when it is behind. */
	readonly clockAheadMs: number;
	/** Standbys that each commit waits for; empty when it waits for none. */
	readonly synchronousStandbys: string;
}

/**
 * Looks at a server without changing anything there.
 * @throws {StoreConfigurationError} what a node would be told at its start.
 * @throws {StoreUnavailableError}
 */
export async function diagnose(settings: ConnectionSettings): Promise<PostgresDiagnostics> {
	const client = await connect(settings);
	try {
		const show = await settingsOf(client);
		const version = await readVersion(client, settings);
		if (version < schemaVersion) await checkMayMigrate(client, settings);
		else await checkRights(client, settings);
		await refuseStrangers(client, settings);
		const { latencyMs, clockAheadMs } = await timesOf(client);
		const { rows } = await client.query<{ count: number }>(
			"SELECT count(*)::int AS count FROM pg_stat_activity WHERE backend_type = 'client backend'",
		);
		return {
			serverVersion: show("server_version"),
			schemaVersion: version,
			isReadOnly: show("transaction_read_only") === "on",
			fsync: show("fsync") === "on",
			synchronousCommit: show("synchronous_commit"),
			connectionsMax: Number(show("max_connections")),
			connections: rows[0]?.count ?? 0,
			latencyMs,
			clockAheadMs,
			synchronousStandbys: show("synchronous_standby_names"),
		};
	} catch (error) {
		if (error instanceof StoreConfigurationError) throw error;
		throw unavailable(settings.location, error);
	} finally {
		await client.end().catch(() => {});
	}
}

async function settingsOf(client: Client): Promise<(name: string) => string> {
	const { rows } = await client.query<{ name: string; setting: string }>(
		"SELECT name, setting FROM pg_settings",
	);
	const found = new Map(rows.map(({ name, setting }) => [name, setting]));
	return (name) => found.get(name) ?? "unknown";
}

const questions = 5;

/** The quickest answer says most about the way, and least about what else went on. */
async function timesOf(client: Client): Promise<{ latencyMs: number; clockAheadMs: number }> {
	let best = { latencyMs: Number.POSITIVE_INFINITY, clockAheadMs: 0 };
	for (let count = 0; count < questions; count += 1) {
		const startedMs = performance.now();
		const { rows } = await client.query<{ ms: number }>(
			"SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms",
		);
		const latencyMs = performance.now() - startedMs;
		if (latencyMs < best.latencyMs)
			best = { latencyMs, clockAheadMs: (rows[0]?.ms ?? 0) - (Date.now() - latencyMs / 2) };
	}
	return best;
}
