import type { DatabaseSync, StatementSync } from "node:sqlite";

/** The statements of {@link ./log-writer.ts}, prepared once for a connection. */
export type Statements = Readonly<Record<keyof typeof statementTexts, StatementSync>>;

const statementTexts = {
	savepoint: "SAVEPOINT one_document",
	release: "RELEASE one_document",
	rollBackToSavepoint: "ROLLBACK TO one_document",
	document: "SELECT name, last_chunk FROM documents WHERE key = ?",
	insertDocument: "INSERT INTO documents (key, last_chunk, name) VALUES (?, 0, ?)",
	noteLastChunk:
		"UPDATE documents SET last_chunk = ifnull((SELECT max(position) FROM log WHERE document = ?), 0) WHERE key = ?",
	lastChunk: "SELECT id, position, data FROM log WHERE document = ? ORDER BY position DESC LIMIT 1",
	chunkAt:
		"SELECT id, position, data FROM log WHERE document = ? AND position <= ? ORDER BY position DESC LIMIT 1",
	insertChunk: "INSERT INTO log (document, position, data) VALUES (?, ?, ?)",
	updateChunk: "UPDATE log SET data = ? WHERE id = ?",
	deleteChunks: "DELETE FROM log WHERE document = ? AND position <= ?",
	deleteLog: "DELETE FROM log WHERE document = ?",
	holds:
		"SELECT EXISTS (SELECT 1 FROM log WHERE document = ?1) OR EXISTS (SELECT 1 FROM snapshots WHERE document = ?1) AS holds",
	mark: "INSERT INTO documents (key, last_chunk, name) VALUES (?, 0, ?) ON CONFLICT (key) DO UPDATE SET last_chunk = 0, name = excluded.name",
	free: "DELETE FROM documents WHERE key = ?",
	snapshotPosition: "SELECT position FROM snapshots WHERE document = ?",
	deleteSnapshot: "DELETE FROM snapshots WHERE document = ?",
	insertSnapshot: "INSERT INTO snapshots (document, position, codec, checksum, data) VALUES (?, ?, ?, ?, ?)",
} as const;

export function prepareStatements(database: DatabaseSync): Statements {
	const prepared = Object.entries(statementTexts).map(([name, text]) => {
		const statement = database.prepare(text);
		// After each write Node reads the connection's last rowid, and a document's key is no safe integer.
		if (!text.startsWith("SELECT")) statement.setReadBigInts(true);
		return [name, statement];
	});
	return Object.fromEntries(prepared) as Statements;
}
