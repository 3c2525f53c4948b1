import type { NodeSettings } from "./settings.ts";
import { SettingsError, theSettings } from "./settings-error.ts";

/**
 * Nodes that hear of each other serve the same documents, so they must share the place where these are kept [CLU6].
 * @throws {SettingsError} when each would keep its own.
 */
export function refusePrivateStore({ databaseUrl, data }: NodeSettings): void {
	if (databaseUrl !== undefined) return;
	throw new SettingsError([
		{
			where: theSettings,
			name: "redisUrl",
			problem: `is for nodes that share a database, but this one would keep documents in an SQLite file of its own (in ${data}), where no other node sees them: give databaseUrl (Postgres) too, or leave out Redis`,
			others: ["databaseUrl"],
		},
	]);
}
