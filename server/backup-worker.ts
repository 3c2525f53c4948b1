import { errorCode, isDamage, sqliteSays } from "../extensions/durability/sqlite/sqlite-error.ts";
import { StoredDocuments } from "../extensions/durability/sqlite/stored-documents.ts";
import { serve } from "../extensions/durability/storage/worker-port.ts";
import { DamagedDocumentError, StoreConfigurationError } from "../extensions/durability/store.ts";
import type { BackupCopy, BackupProtocol, BackupTask } from "./backup-copy.ts";
import { syncPath } from "./sync-path.ts";
import { unwritable } from "./user-error.ts";

// A thread of its own: SQLite copies in one go, and signals are heard meanwhile.
serve<BackupProtocol, undefined>({
	answers: () => ({ copy, end: () => undefined }),
	errorCode,
});

/** Copies the database and reads the copy back; on disk when it returns. */
function copy(task: BackupTask): BackupCopy {
	try {
		const documents = new StoredDocuments(task.source);
		try {
			documents.copyTo(task.unfinished);
		} finally {
			documents.close();
		}
		const found = readBack(task.unfinished);
		syncPath(task.unfinished, "r+");
		return found;
	} catch (error) {
		throw explain(error, task);
	}
}

function explain(error: unknown, { source, to }: BackupTask): unknown {
	if (isDamage(error)) {
		const way = "docs/operations.md, When a document is damaged, says how to save what is left";
		return new StoreConfigurationError(
			`${source} is damaged, and was not copied. ${sqliteSays(error)}; ${way}`,
			{
				cause: error,
			},
		);
	}
	return errorCode(error) === undefined
		? error
		: new StoreConfigurationError(unwritable(to, error).message, { cause: error });
}

function readBack(path: string): BackupCopy {
	const copied = new StoredDocuments(path);
	const damaged: BackupCopy["damaged"][number][] = [];
	let total = 0;
	try {
		for (const name of copied.names()) {
			total += 1;
			try {
				copied.load(name);
			} catch (error) {
				if (!(error instanceof DamagedDocumentError)) throw error;
				damaged.push({ documentName: error.documentName, message: error.message });
			}
		}
	} finally {
		copied.close();
	}
	return { total, damaged };
}
