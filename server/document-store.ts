import { join } from "node:path";
import { PostgresStore, SqliteStore, type Store } from "../extensions/durability/index.ts";
import type { NodeSettings } from "./settings.ts";

/**
 * The store that the settings name; not open yet.
 * @param group See `PostgresStoreOptions`.
 * @throws {StoreConfigurationError} when the database URL can't be right.
 */
export function documentStore(
	{ databaseUrl, data }: Pick<NodeSettings, "databaseUrl" | "data">,
	group?: string,
): Store {
	return databaseUrl === undefined
		? new SqliteStore({ path: join(data, "indelible.sqlite") })
		: new PostgresStore({ url: databaseUrl, group });
}
