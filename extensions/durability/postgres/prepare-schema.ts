import type { Client } from "pg";
import { documentKey } from "../storage/checksum.ts";
import { StoreConfigurationError } from "../store.ts";
import { clientConfig } from "./connection.ts";
import type { ConnectionSettings } from "./connection-settings.ts";
import { driver } from "./driver.ts";
import { refuseStrangers } from "./membership.ts";
import { code, describe, errorCode, isRefusal, unavailable } from "./postgres-error.ts";
import { checkRights, mayNotMigrate, missingRights } from "./rights.ts";
import { migrations, schemaVersion } from "./schema.ts";

const oldestServer = 13;
/** How long a migration may take, and a node may wait for another one's. */
const migrationTimeoutMs = 60_000;

/**
 * Makes sure that the tables are there, are of this version, and may be used. Any number of nodes may do so at once.
 * @throws {StoreConfigurationError} that says what to do.
 * @throws {StoreUnavailableError}
 */
export async function prepareSchema(settings: ConnectionSettings): Promise<void> {
	const client = await connect(settings);
	try {
		if ((await readVersion(client, settings)) < schemaVersion) await migrate(client, settings);
		await checkRights(client, settings);
		await refuseStrangers(client, settings);
	} catch (error) {
		if (error instanceof StoreConfigurationError) throw error;
		throw unavailable(settings.location, error);
	} finally {
		// It has no transaction open, or the server ends it.
		await client.end().catch(() => {});
	}
}

/**
 * Connects at the start, when what is wrong may be the configuration, to a server that is not too old.
 * @throws {StoreConfigurationError}
 * @throws {StoreUnavailableError}
 */
export async function connect(settings: ConnectionSettings): Promise<Client> {
	const client = newClient(settings);
	// Whoever waits for an answer is told by its rejection.
	client.on("error", () => {});
	try {
		await client.connect();
		await checkServer(client, settings);
		return client;
	} catch (error) {
		await client.end().catch(() => {});
		if (error instanceof StoreConfigurationError) throw error;
		if (!isRefusal(error)) throw unavailable(settings.location, error);
		throw new StoreConfigurationError(
			`Postgres at ${settings.location} does not let this node in: ${describe(error)}. Check the user, the password and the database in the database URL.`,
		);
	}
}

/** @throws {StoreConfigurationError} when the URL's parameters make no sense: a certificate's file that is missing. */
function newClient(settings: ConnectionSettings): Client {
	try {
		return new (driver().Client)(clientConfig(settings, migrationTimeoutMs));
	} catch (error) {
		throw new StoreConfigurationError(
			`the database URL of ${settings.location} can't be used: ${describe(error)}.`,
		);
	}
}

/** @throws {StoreConfigurationError} */
async function checkServer(client: Client, { location }: ConnectionSettings): Promise<void> {
	const { rows } = await client.query<{ number: string; name: string }>(
		"SELECT current_setting('server_version_num') AS number, current_setting('server_version') AS name",
	);
	const [server] = rows;
	if (Number(server?.number) >= oldestServer * 10_000) return;
	throw new StoreConfigurationError(
		`${location} is PostgreSQL ${server?.name}; it must be ${oldestServer} or newer.`,
	);
}

/**
 * @returns 0 when there are no tables yet.
 * @throws {StoreConfigurationError} when they are newer than this program.
 */
export async function readVersion(client: Client, { schema, location }: ConnectionSettings): Promise<number> {
	const table = `${client.escapeIdentifier(schema)}.migrations`;
	let version: number;
	try {
		// Not `to_regclass`: a session remembers that there was no such table, even after another one has made it.
		const { rows: found } = await client.query(
			`SELECT 1 FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON relnamespace = pg_namespace.oid
			WHERE nspname = $1 AND relname = 'migrations'`,
			[schema],
		);
		if (found.length === 0) return 0;
		const { rows } = await client.query<{ version: number | null }>(
			`SELECT max(version) AS version FROM ${table}`,
		);
		version = rows[0]?.version ?? 0;
	} catch (error) {
		if (errorCode(error) !== code.insufficientPrivilege) throw error;
		throw await missingRights(client, schema, location, error);
	}
	if (version <= schemaVersion) return version;
	throw new StoreConfigurationError(
		`the schema ${schema} in ${location} has version ${version}, and this program knows ${schemaVersion}: a newer one has upgraded it. Install that one or a newer one.`,
	);
}

/** In one transaction; nodes that start together do it one after the other, and the later ones find it done. */
async function migrate(client: Client, settings: ConnectionSettings): Promise<void> {
	const { schema, location } = settings;
	const quoted = client.escapeIdentifier(schema);
	await client.query("BEGIN");
	try {
		// A crash of the server right after it must not leave a running node without tables.
		await client.query("SET LOCAL synchronous_commit = on");
		await client.query("SELECT pg_advisory_xact_lock($1)", [String(documentKey(`indelible ${schema}`))]);
		const version = await readVersion(client, settings);
		if (version === 0) await createSchema(client, schema);
		for (const migration of migrations.slice(version)) {
			await client.query(migration.statements(quoted));
			await client.query(`INSERT INTO ${quoted}.migrations (version) VALUES ($1)`, [migration.version]);
		}
		await client.query("COMMIT");
	} catch (error) {
		// The connection is ended next, which undoes it in any case; this waits until it is.
		await client.query("ROLLBACK").catch(() => {});
		switch (errorCode(error)) {
			case code.insufficientPrivilege:
				throw await mayNotMigrate(client, schema, location, error);
			case code.duplicateTable:
				throw new StoreConfigurationError(
					`the schema ${schema} in ${location} holds tables that are not this program's: ${describe(error)}. Use another database.`,
				);
			default:
				throw error;
		}
	}
}

async function createSchema(client: Client, schema: string): Promise<void> {
	const quoted = client.escapeIdentifier(schema);
	// CREATE SCHEMA IF NOT EXISTS would need the right to create one even if it is there.
	const { rows } = await client.query("SELECT 1 FROM pg_namespace WHERE nspname = $1", [schema]);
	if (rows.length === 0) await client.query(`CREATE SCHEMA ${quoted}`);
	await client.query(`
		CREATE TABLE ${quoted}.migrations (
			version integer PRIMARY KEY,
			applied_at timestamptz NOT NULL DEFAULT now()
		)`);
}
