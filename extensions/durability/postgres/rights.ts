import type { Client } from "pg";
import { StoreConfigurationError } from "../store.ts";
import type { ConnectionSettings } from "./connection-settings.ts";
import { code, describe, errorCode } from "./postgres-error.ts";
import { grants, privileges } from "./schema.ts";

/** What a node's role may do, and what its operator is told when that is too little. */

/**
 * Whether the role may use the tables.
 * @throws {StoreConfigurationError} that says which rights are missing and how to give them.
 */
export async function checkRights(client: Client, { schema, location }: ConnectionSettings): Promise<void> {
	const quoted = client.escapeIdentifier(schema);
	let missing: readonly { right: string }[];
	try {
		({ rows: missing } = await client.query<{ right: string }>(
			`SELECT privilege || ' on ' || name AS right
			FROM unnest($1::text[], $2::text[]) AS needed (name, privilege)
			WHERE NOT has_table_privilege($3 || '.' || name, privilege)`,
			[privileges.map(([table]) => table), privileges.map(([, privilege]) => privilege), quoted],
		));
	} catch (error) {
		if (errorCode(error) !== code.undefinedTable) throw error;
		throw new StoreConfigurationError(
			`the schema ${schema} in ${location} is not whole: ${describe(error)}. Restore it from a backup.`,
		);
	}
	if (missing.length === 0) return;
	const reason = `${missing.map(({ right }) => right).join(", ")} is missing`;
	throw await missingRights(client, schema, location, new Error(reason));
}

/**
 * Whether the role may make the tables.
 * @throws {StoreConfigurationError} that says how to allow it.
 */
export async function checkMayMigrate(
	client: Client,
	{ schema, location }: ConnectionSettings,
): Promise<void> {
	const { rows } = await client.query<{ place: string; allowed: boolean }>(
		`SELECT 'schema ' || nspname AS place, has_schema_privilege(oid, 'CREATE') AS allowed
			FROM pg_catalog.pg_namespace WHERE nspname = $1
		UNION ALL
		SELECT 'database ' || current_database(), has_database_privilege(current_database(), 'CREATE')
			WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)`,
		[schema],
	);
	const [{ place, allowed } = { place: "", allowed: true }] = rows;
	if (allowed) return;
	throw await mayNotMigrate(client, schema, location, new Error(`permission denied for ${place}`));
}

export async function missingRights(
	client: Client,
	schema: string,
	location: string,
	reason: unknown,
): Promise<StoreConfigurationError> {
	const { role } = await whoAndWhere(client);
	return new StoreConfigurationError(
		`the role ${role} may not use the schema ${schema} in ${location}: ${describe(reason)}. As its owner, run: ${grants(client.escapeIdentifier(schema), role)}`,
	);
}

export async function mayNotMigrate(
	client: Client,
	schema: string,
	location: string,
	reason: unknown,
): Promise<StoreConfigurationError> {
	const { role, database } = await whoAndWhere(client);
	const quoted = client.escapeIdentifier(schema);
	return new StoreConfigurationError(
		[
			`the tables in the schema ${schema} of ${location} are missing or of an older version, and the role ${role} may not change that: ${describe(reason)}.`,
			`Either allow it (GRANT CREATE ON DATABASE ${database} TO ${role};),`,
			"or start a node once as a role that may, and then, as that role, run:",
			grants(quoted, role),
		].join(" "),
	);
}

async function whoAndWhere(client: Client): Promise<{ role: string; database: string }> {
	const { rows } = await client.query<{ role: string; database: string }>(
		"SELECT quote_ident(current_user) AS role, quote_ident(current_database()) AS database",
	);
	return rows[0] ?? { role: "…", database: "…" };
}
