import type { DatabaseSync } from "node:sqlite";
import { serveAttentively } from "../storage/attentive-port.ts";
import { giveWay } from "../storage/give-way.ts";
import { StoreConfigurationError } from "../store.ts";
import { busyTimeoutMs, checkExists, openForWriting, Reopening } from "./connection.ts";
import { prepare } from "./database-file.ts";
import { FileLock } from "./file-lock.ts";
import { closeDescriptors } from "./free-pages.ts";
import { LogWriter } from "./log-writer.ts";
import type { SqliteDiagnostics, WorkerSettings, WriterProtocol } from "./messages.ts";
import { unpackBatch } from "./packing.ts";
import { pragma } from "./schema.ts";
import { errorCode, isForbidden } from "./sqlite-error.ts";

/** The worker that holds the lock and writes: the only one that ever does, in any process. */
serveAttentively<WriterProtocol, WorkerSettings>({
	answers: (settings) => {
		// An edit goes out to the others before it is saved: they are not to wait for a commit of what hundreds have typed.
		giveWay();
		let lock: FileLock | undefined;
		const takeLock = () => {
			if (lock?.isLost) {
				lock.release();
				lock = undefined;
			}
			lock ??= FileLock.acquire(settings.path);
		};
		const connection = new Reopening(
			settings.path,
			() => {
				checkExists(settings.path);
				takeLock();
				return openForWriting(settings);
			},
			(database) => new LogWriter(database),
		);
		const write = <R>(work: (writer: LogWriter) => R): R => {
			// Somebody else may write by now, so what is known of the file is not to be believed any more.
			if (lock?.isLost) connection.abandon();
			return connection.use(work);
		};
		return {
			open: () => {
				takeLock();
				prepareOrExplain(settings);
				connection.use(() => {});
			},
			append: (batch) => write((writer) => writer.append(unpackBatch(batch))),
			replace: ({ documentName, merged }) => write((writer) => writer.replace(documentName, merged)),
			delete: (deletion) => write((writer) => writer.delete(deletion)),
			isDeleted: (documentName) => write((writer) => writer.isDeleted(documentName)),
			free: (documentName) => write((writer) => writer.free(documentName)),
			checkpoint: () => {
				connection.use((_, database) => database.exec("PRAGMA wal_checkpoint(PASSIVE)"));
			},
			wipeLog: () => {
				// Not waiting for readers, who would hold up commits.
				connection.use((_, database) => {
					database.exec("PRAGMA busy_timeout = 0");
					try {
						database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
					} finally {
						database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
					}
				});
			},
			diagnostics: () => connection.use((_, database) => diagnose(database)),
			close: () => {
				try {
					// A database that could not be opened is left alone.
					if (connection.isOpen) {
						connection.use((_, database) => database.exec("PRAGMA wal_checkpoint(TRUNCATE)"));
					}
				} finally {
					connection.close();
					closeDescriptors();
					lock?.release();
					lock = undefined;
				}
			},
		};
	},
	briefKind: "append",
	errorCode,
});

function prepareOrExplain({ path }: WorkerSettings): void {
	try {
		prepare(path);
	} catch (cause) {
		if (!isForbidden(cause)) throw cause;
		throw new StoreConfigurationError(
			`${path} can't be made: ${(cause as Error).message}. Its folder must be writable for this process.`,
			{ cause },
		);
	}
}

function diagnose(database: DatabaseSync): SqliteDiagnostics {
	const pageBytes = Number(pragma(database, "page_size"));
	return {
		sqliteVersion: String(database.prepare("SELECT sqlite_version() AS version").get()?.version),
		schemaVersion: Number(pragma(database, "user_version")),
		journalMode: String(pragma(database, "journal_mode")),
		synchronous: Number(pragma(database, "synchronous")),
		pageBytes,
		fileBytes: pageBytes * Number(pragma(database, "page_count")),
	};
}
