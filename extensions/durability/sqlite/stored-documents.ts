import type { DatabaseSync } from "node:sqlite";
import { readFramed } from "../storage/framing.ts";
import { Damage } from "../storage/wire-error.ts";
import {
	type CatalogueQuery,
	DamagedDocumentError,
	type DocumentPage,
	type StoredDocument,
} from "../store.ts";
import { openForReading } from "./connection.ts";
import { DocumentReader } from "./document-reader.ts";
import { Listing } from "./listing.ts";

/**
 * The documents in a database file, which is only read: a backup, or one that a node writes to meanwhile. It takes no lock, so the
 * node is not held up and can't hold this up. On the calling thread; for commands.
 */
export class StoredDocuments {
	readonly #database: DatabaseSync;
	readonly #reader: DocumentReader;

	/** @throws {StoreConfigurationError} when the file is no store that this version can read. */
	constructor(path: string) {
		this.#database = openForReading({ path, fileBytesMax: undefined });
		this.#reader = new DocumentReader(this.#database);
	}

	/** In the order of their keys; found one after the other, so that what comes meanwhile may be missing. */
	*names(): Generator<string> {
		const next = this.#database.prepare(
			"SELECT key, name FROM documents WHERE key > ? AND typeof(name) = 'text' ORDER BY key LIMIT 1",
		);
		next.setReadBigInts(true);
		for (let key = -(2n ** 63n); ; ) {
			const row = next.get(key);
			if (row === undefined) return;
			key = BigInt(row.key as bigint);
			yield String(row.name);
		}
	}

	list(query: CatalogueQuery): DocumentPage {
		return new Listing(this.#database).page(query);
	}

	/** @throws {DamagedDocumentError} @throws {DocumentDeletedError} */
	load(documentName: string): StoredDocument {
		try {
			const { snapshot, entries } = this.#reader.read(documentName);
			return {
				snapshot,
				entries: entries.map(({ position, payload }) => ({ position, updates: readFramed(payload) })),
				position: entries.at(-1)?.position ?? snapshot?.position ?? 0,
				logBytes: entries.reduce((sum, { payload }) => sum + payload.byteLength, 0),
			};
		} catch (error) {
			if (!(error instanceof Damage)) throw error;
			throw new DamagedDocumentError(documentName, error.message, { cause: error });
		}
	}

	/** Writes all of it, as it is at one moment, into a new file, which needs no other one beside it. */
	copyTo(path: string): void {
		this.#database.prepare("VACUUM INTO ?").run(path);
	}

	close(): void {
		this.#database.close();
	}
}
