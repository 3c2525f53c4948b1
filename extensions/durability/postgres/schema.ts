/**
 * The tables. They only change by a new migration at the end of the list: what stands here has run somewhere. Nodes of the
 * version before are running while it is applied, and check their version only at their start: they must be able to go on,
 * writing rows that this version reads, and reading those that it writes. What they could not read yet, such as a new
 * codec, is first read by one version and then written by the next.
 *
 * `documents` has one row per document, small and updated in place with each append (no indexed column changes, and
 * its pages have room, so that PostgreSQL leaves no trail in the index): it is the document's lock, too. Names and content are
 * `bytea`, because `text` knows no zero character and depends on the database's encoding.
 */
export interface Migration {
	readonly version: number;
	readonly statements: (schema: string) => string;
}

export const migrations: readonly Migration[] = [
	{
		version: 1,
		statements: (schema) => `
			CREATE TABLE ${schema}.documents (
				key bigint PRIMARY KEY,
				name bytea NOT NULL,
				-- The last one in use.
				position bigint NOT NULL,
				-- What the snapshot covers; 0 without one.
				snapshot_position bigint NOT NULL DEFAULT 0
			) WITH (fillfactor = 70);

			CREATE TABLE ${schema}.snapshots (
				document bigint PRIMARY KEY,
				position bigint NOT NULL,
				codec smallint NOT NULL,
				checksum bigint NOT NULL,
				data bytea NOT NULL
			);
			-- It is compressed already.
			ALTER TABLE ${schema}.snapshots ALTER COLUMN data SET STORAGE EXTERNAL;

			CREATE TABLE ${schema}.log (
				document bigint NOT NULL,
				position bigint NOT NULL,
				checksum bigint NOT NULL,
				data bytea NOT NULL,
				PRIMARY KEY (document, position)
			);
		`,
	},
	{
		version: 2,
		statements: (schema) => `
			-- Of the document that has the name now, or had it last: each deletion raises it. The row of a deleted document stays, with
			-- a mark in the place of the name that no name equals, so that nodes of the version before refuse it as well.
			ALTER TABLE ${schema}.documents ADD COLUMN generation bigint NOT NULL DEFAULT 0;
		`,
	},
];

export const schemaVersion = migrations.length;

/** What a node's role has to be allowed; migrations need more. */
export const privileges: readonly (readonly [table: string, privilege: string])[] = [
	["migrations", "SELECT"],
	["documents", "SELECT"],
	["documents", "INSERT"],
	["documents", "UPDATE"],
	["snapshots", "SELECT"],
	["snapshots", "INSERT"],
	["snapshots", "UPDATE"],
	["snapshots", "DELETE"],
	["log", "SELECT"],
	["log", "INSERT"],
	["log", "DELETE"],
];

/** `GRANT`s that give a role all of {@link privileges}. */
export function grants(schema: string, role: string): string {
	const tables = new Map<string, string[]>();
	for (const [table, privilege] of privileges) {
		tables.set(table, [...(tables.get(table) ?? []), privilege]);
	}
	const lines = Array.from(
		tables,
		([table, needed]) => `GRANT ${needed.join(", ")} ON ${schema}.${table} TO ${role};`,
	);
	return [`GRANT USAGE ON SCHEMA ${schema} TO ${role};`, ...lines].join(" ");
}
