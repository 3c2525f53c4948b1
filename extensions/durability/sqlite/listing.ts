import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { CatalogueQuery, DocumentPage } from "../store.ts";

/**
 * Names are in a hash's order in the database, so a page looks at all of them; and only at the lengths of what is stored, which SQLite
 * knows without reading it.
 */
const text = `
	SELECT name,
		ifnull((SELECT length(data) FROM snapshots WHERE document = key), 0)
			+ ifnull((SELECT sum(length(data)) FROM log WHERE document = key), 0) AS bytes
	FROM (
		SELECT key, name FROM documents
		WHERE typeof(name) = 'text' AND name > ?1 AND (length(?2) = 0 OR substr(CAST(name AS BLOB), 1, length(?2)) = ?2)
		ORDER BY name LIMIT ?3
	)`;

/** Which documents there are; what was deleted is none. */
export class Listing {
	readonly #statement: StatementSync;

	constructor(database: DatabaseSync) {
		this.#statement = database.prepare(text);
	}

	page({ prefix = "", after = "", limit }: CatalogueQuery): DocumentPage {
		const rows = this.#statement.all(after, Buffer.from(prefix), limit + 1);
		const documents = rows.map(({ name, bytes }) => ({ name: String(name), bytes: Number(bytes) }));
		return { documents: documents.slice(0, limit), hasMore: documents.length > limit };
	}
}
