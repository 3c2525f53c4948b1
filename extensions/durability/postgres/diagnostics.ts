import type { Client } from "pg";
import { StoreConfigurationError } from "../store.ts";
import type { ConnectionSettings } from "./connection.ts";
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
		return {
			serverVersion: show("server_version"),
			schemaVersion: version,
			isReadOnly: show("transaction_read_only") === "on",
			fsync: show("fsync") === "on",
			synchronousCommit: show("synchronous_commit"),
			connectionsMax: Number(show("max_connections")),
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
