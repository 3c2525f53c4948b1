import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { WorkerLink } from "../extensions/durability/storage/worker-link.ts";
import type { BackupCopy, BackupProtocol } from "./backup-copy.ts";
import type { Configuration } from "./configuration.ts";
import { databaseFile } from "./stored-catalogue.ts";
import { syncPath } from "./sync-path.ts";
import { taken, UnfinishedFile, unfinishedBeside } from "./unfinished-file.ts";
import { UserError } from "./user-error.ts";

const script = new URL(`./backup-worker.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);

/**
 * `indelible backup`: copies the SQLite database, also while a node writes to it, and reads the copy back.
 * @returns The exit code: 1 when a document does not read back. The copy is there all the same.
 */
export async function backupCommand(to: string, { settings }: Configuration): Promise<number> {
	if (settings.databaseUrl !== undefined) {
		throw new UserError(
			"documents are in Postgres, which has its own tools: pg_dump --schema=indelible. See docs/operations.md",
		);
	}
	const source = databaseFile(settings.data);
	for (const path of unfinishedBeside(to))
		console.error(
			`indelible: ${path} is of a backup that was killed, or is not done: remove it if none runs`,
		);
	if (existsSync(to)) throw taken(to);
	const { total, damaged } = await writeCopy(source, to);
	const mib = (statSync(to).size / 2 ** 20).toFixed(1);
	const state =
		damaged.length === 0 ? "all of them read back" : `${damaged.length} are damaged, as in the database`;
	console.log(`${total} ${total === 1 ? "document" : "documents"}, ${mib} MiB, in ${to}; ${state}.`);
	for (const { documentName, message } of damaged)
		console.error(`indelible: ${JSON.stringify(documentName)}: ${message}`);
	return damaged.length === 0 ? 0 : 1;
}

/** Under its name there is never half a copy. */
async function writeCopy(source: string, to: string): Promise<BackupCopy> {
	const file = new UnfinishedFile(to);
	const thread = new WorkerLink<BackupProtocol>(script, { name: "indelible-backup" });
	try {
		const copied = await thread.ask("copy", { source, unfinished: file.path, to });
		file.finish();
		if (process.platform !== "win32") syncPath(dirname(resolve(to)), "r");
		return copied;
	} finally {
		file.remove();
		await thread.close("end");
	}
}
