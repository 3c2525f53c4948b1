import { crc32 } from "node:zlib";
import type { QueryConfig } from "pg";
import { driver } from "./driver.ts";

/**
 * Every statement that reads or writes documents. Each is a transaction of its own, so that there is one round trip,
 * and no lock outlives a node that stops in the middle.
 */
export interface Statements {
	readonly append: QueryConfig;
	readonly load: QueryConfig;
	readonly replace: QueryConfig;
	readonly entriesAfter: QueryConfig;
}

/** @param schema Its name, as it is. */
export function statements(schema: string): Statements {
	const quoted = driver().escapeIdentifier(schema);
	return {
		append: named("append", append(quoted)),
		load: named("load", load(quoted)),
		replace: named("replace", replace(quoted)),
		entriesAfter: named("entries_after", entriesAfter(quoted)),
	};
}

/**
 * What the server knows by this name must be this text: a pooler may give out a connection on which another store has prepared its
 * statements, and what is appended with those is in another schema [DUR1].
 */
export function named(name: string, text: string): QueryConfig {
	return { name: `indelible_${name}_${crc32(text).toString(16)}`, text };
}

export interface AppendedRow {
	/** Of the request in its batch, from 1. */
	readonly index: number;
	readonly position: number;
	readonly synchronous_commit: string;
}

/**
 * Parameters: names and payloads end to end; and for each document its key, where its name begins (from 1), the size of the
 * name, the size of the payload, the payload's checksum, the document's generation.
 *
 * - The row of each document in `documents` is locked until the commit, in the order of the keys, by every node: so
 *   batches wait for each other and never in a circle, and positions have no gaps.
 * - A row that belongs to another name, or that is missing although there is a snapshot or a log, violates a constraint. So does
 *   one of another generation, or with a tombstone for a name: that document was deleted [DUR7].
 * - `synchronous_commit` is read when the transaction commits. Its value is returned, so that whoever acknowledges
 *   knows. `remote_apply` says more than `on` and stays.
 */
function append(schema: string): string {
	return `
		WITH input AS MATERIALIZED (
			SELECT index, key, checksum, generation,
				substring($1::bytea FROM start FOR name_bytes) AS name,
				substring($1::bytea FROM start + name_bytes FOR payload_bytes) AS payload
			FROM unnest($2::bigint[], $3::integer[], $4::integer[], $5::integer[], $6::bigint[], $7::bigint[])
				WITH ORDINALITY AS item (key, start, name_bytes, payload_bytes, checksum, generation, index)
		), placed AS (
			INSERT INTO ${schema}.documents AS stored (key, name, generation, position)
			SELECT key, name, generation, CASE WHEN
				EXISTS (SELECT FROM ${schema}.documents AS known WHERE known.key = input.key)
				OR NOT EXISTS (SELECT FROM ${schema}.snapshots WHERE document = input.key)
				THEN 1 END
			FROM input ORDER BY key
			ON CONFLICT (key) DO UPDATE
			SET position = CASE WHEN stored.name = excluded.name AND stored.generation = excluded.generation
				THEN stored.position + 1 END
			RETURNING key, position
		), entered AS (
			INSERT INTO ${schema}.log (document, position, checksum, data)
			SELECT key, position, checksum # (position & 4294967295), payload
			FROM placed JOIN input USING (key)
			RETURNING document, position
		)
		SELECT index, position, (
			SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit')
				WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true)
		) AS synchronous_commit
		FROM entered JOIN input ON key = document`;
}

/** A row of `load` or `entriesAfter`; which fields say something depends on the kind. */
export type StoredRow =
	| {
			readonly kind: "document";
			readonly position: number;
			readonly snapshot_position: number;
			readonly generation: number;
			/** The name, or a tombstone. */
			readonly data: Uint8Array;
	  }
	| {
			readonly kind: "snapshot";
			readonly position: number;
			readonly codec: number;
			readonly checksum: number;
			readonly data: Uint8Array;
	  }
	| EntryRow;

export interface EntryRow {
	readonly kind: "entry";
	readonly position: number;
	readonly checksum: number;
	readonly data: Uint8Array;
}

/** Parameter: the document's key. One statement, so that a compaction in between can't be half seen. */
function load(schema: string): string {
	return `
		SELECT 'document' AS kind, position, snapshot_position, generation, NULL AS codec, NULL::bigint AS checksum, name AS data
		FROM ${schema}.documents WHERE key = $1
		UNION ALL
		SELECT 'snapshot', position, NULL, NULL, codec, checksum, data FROM ${schema}.snapshots WHERE document = $1
		UNION ALL
		SELECT 'entry', position, NULL, NULL, NULL, checksum, data FROM ${schema}.log WHERE document = $1`;
}

/**
 * Parameters: the document's key and name; the position that was merged up to; the position of the snapshot that was merged;
 * the new snapshot's codec, checksum and data; how many log entries were merged; the document's generation.
 *
 * Does nothing when the document or the snapshot is no longer the one that was merged (`taken` is 0), and divides by zero, which undoes all
 * of it, when it would remove anything but exactly the entries that were merged [DUR4].
 */
function replace(schema: string): string {
	return `
		WITH taken AS (
			UPDATE ${schema}.documents SET snapshot_position = $3
			WHERE key = $1 AND name = $2 AND snapshot_position = $4 AND generation = $9
			RETURNING key
		), removed AS (
			DELETE FROM ${schema}.log USING taken WHERE document = key AND position <= $3
			RETURNING 1
		), stored AS (
			INSERT INTO ${schema}.snapshots (document, position, codec, checksum, data)
			SELECT key, $3::bigint, $5::smallint, $6::bigint, $7::bytea FROM taken
			ON CONFLICT (document) DO UPDATE SET position = excluded.position, codec = excluded.codec,
				checksum = excluded.checksum, data = excluded.data
		), counted AS (
			SELECT (SELECT count(*) FROM taken) AS taken, (SELECT count(*) FROM removed) AS removed
		)
		SELECT taken, 1 / CASE WHEN taken = 0 OR removed = $8::bigint THEN 1 ELSE 0 END AS exact FROM counted`;
}

/** Parameters: keys, and for each the position after which to read. Rows say which request they belong to, from 1. */
function entriesAfter(schema: string): string {
	return `
		WITH asked AS MATERIALIZED (
			SELECT * FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS item (key, after, index)
		)
		SELECT index, 'document' AS kind, position, snapshot_position, generation, NULL::bigint AS checksum, name AS data
		FROM asked JOIN ${schema}.documents USING (key)
		UNION ALL
		SELECT index, 'entry', position, NULL, NULL, checksum, data
		FROM asked JOIN ${schema}.log ON document = key AND position > after`;
}
