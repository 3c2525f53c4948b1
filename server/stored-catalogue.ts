import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Catalogue, Store } from "../extensions/durability/store.ts";
import { StoreConfigurationError } from "../extensions/durability/store.ts";
import type { Configuration } from "./configuration.ts";
import { documentStore } from "./document-store.ts";
import { UserError } from "./user-error.ts";

/** Where the documents are that the settings name, for a command that changes which there are. */
export async function withCatalogue<T>(
	{ settings }: Configuration,
	work: (catalogue: Catalogue, store: Store) => Promise<T>,
): Promise<T> {
	if (settings.databaseUrl === undefined) databaseFile(settings.data);
	const store = documentStore(settings);
	const { catalogue } = store;
	if (catalogue === undefined) throw new UserError(`${store.location} can neither list nor delete documents`);
	try {
		await store.open();
	} catch (error) {
		if (error instanceof StoreConfigurationError && error.message.includes(" is in use by "))
			throw new UserError(`${error.message} Or ask the node that runs: --url http://localhost:1234`);
		throw error;
	}
	try {
		return await work(catalogue, store);
	} finally {
		await store.close();
	}
}

/** @throws {UserError} when there is none: a command that looks must not make one. */
export function databaseFile(data: string): string {
	const path = join(data, "indelible.sqlite");
	if (!existsSync(path))
		throw new UserError(
			`there is no database at ${resolve(path)}. Name the folder that it is in, --data, or the Postgres server, --database-url`,
		);
	return path;
}
