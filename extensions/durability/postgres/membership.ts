import { hash } from "node:crypto";
import type { Client, QueryConfig } from "pg";
import { StoreConfigurationError } from "../store.ts";
import type { ConnectionSettings } from "./connection-settings.ts";

/**
 * Which nodes use the same tables. Each holds a shared advisory lock for as long as its listening connection lives, under two
 * numbers: one for the tables, one for its group. Nothing has to be cleaned up when a node dies.
 */

/** For nodes without a group, which keep in step with all others through the store. */
const nobody = 0;
const applicationPrefix = "indelible ";

/** A positive `integer`. */
function numberOf(text: string): number {
	return hash("sha256", text, "buffer").readUInt32LE(0) & 0x7fff_ffff;
}

function keysOf({ schema, group }: ConnectionSettings): [tables: number, group: number] {
	return [numberOf(`indelible nodes ${schema}`), group === undefined ? nobody : numberOf(group) || 1];
}

/** What a node's listening connection is called in `pg_stat_activity`. */
export function applicationName({ group }: ConnectionSettings): string {
	return `${applicationPrefix}${group ?? ""}`.trimEnd();
}

/** Takes the lock on the connection, or has it already. */
export async function join(client: Client, settings: ConnectionSettings): Promise<void> {
	// Shared locks exclude nobody.
	await client.query("SELECT pg_try_advisory_lock_shared($1::integer, $2::integer)", keysOf(settings));
}

const locks = `
	FROM pg_catalog.pg_locks
	WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND classid::bigint = $1::bigint
		AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())`;

/** Gives the number of nodes in the group, as `members`. */
export const countMembers: QueryConfig = {
	name: "indelible-members",
	text: `SELECT count(*)::integer AS members ${locks} AND objid::bigint = $2::bigint`,
};

export function memberParameters(settings: ConnectionSettings): unknown[] {
	return keysOf(settings);
}

/**
 * Nodes of different groups would not hear each other, and neither would know.
 * @throws {StoreConfigurationError} when a node of another group uses the tables.
 */
export async function refuseStrangers(client: Client, settings: ConnectionSettings): Promise<void> {
	if (settings.group === undefined) return;
	const { rows } = await client.query<{ name: string | null }>(
		`SELECT (SELECT application_name FROM pg_catalog.pg_stat_activity activity WHERE activity.pid = pg_locks.pid) AS name
		${locks} AND objid::bigint NOT IN ($2::bigint, ${nobody}) LIMIT 1`,
		keysOf(settings),
	);
	const [stranger] = rows;
	if (stranger === undefined) return;
	const theirs = stranger.name?.startsWith(applicationPrefix)
		? ` (${JSON.stringify(stranger.name.slice(applicationPrefix.length))})`
		: "";
	throw new StoreConfigurationError(
		`a node with another Redis prefix${theirs} uses ${settings.location}, and this one has ${JSON.stringify(settings.group)}: they would not hear of each other's edits. Give all nodes of a database the same redisPrefix, or stop the others first.`,
	);
}
