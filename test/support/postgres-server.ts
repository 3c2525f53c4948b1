import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { type Postgres, postgresSignals, preparePostgres } from "../../scripts/services/postgres.ts";
import type { Service } from "../../scripts/services/service.ts";
import { freePort } from "./node-process.ts";

/** A real PostgreSQL server of the test's own, which can be stopped, killed and started again. */
export interface PostgresServer extends Pick<Postgres, "url" | "query" | "configure"> {
	readonly port: number;
	readonly folder: string;
	/** A new, empty database. @returns Its URL. */
	newDatabase(): Promise<string>;
	/** Makes a folder the server's own, so that it can keep tables there. */
	giveFolder(path: string): void;
	/** Waits until it answers. */
	start(): Promise<void>;
	/** `fast` ends connections and writes everything to the disk. `immediate` ends at once, as a crash does. */
	stop(mode: "fast" | "immediate"): Promise<void>;
}

/** Starts a server that goes when the test (or, in `beforeAll`, whoever calls `onEnd`) ends. */
export async function startPostgres(
	onEnd: (end: () => Promise<void>) => void = onTestFinished,
): Promise<PostgresServer> {
	const folder = mkdtempSync(join(tmpdir(), "indelible-postgres-"));
	const port = await freePort();
	const { url, query, configure, give, start } = preparePostgres({
		folder,
		port,
		user: "boss",
		// Every character in it has to be escaped in a URL.
		password: "p@ss:word/?",
		isTemporary: true,
	});
	configure("log_min_messages = panic");
	let service: Service | undefined;
	let databases = 0;
	const server: PostgresServer = {
		port,
		folder,
		url,
		query,
		configure,
		giveFolder(path) {
			give(path);
			// The temporary folder around it is this user's alone.
			chmodSync(dirname(path), 0o711);
		},
		async newDatabase() {
			databases += 1;
			const name = `test_${databases}`;
			await query(`CREATE DATABASE ${name}`);
			return url(name);
		},
		async start() {
			await start((spawned) => {
				service = spawned;
			});
		},
		stop: async (mode) => service?.stop(postgresSignals[mode]),
	};
	onEnd(async () => {
		await server.stop("immediate");
		rmSync(folder, { recursive: true, force: true });
	});
	await server.start();
	return server;
}
