import type {
	ClusterDocumentList,
	ClusterDocumentRow,
	DocumentList,
	DocumentQuery,
	DocumentRow,
	NodeAnswer,
} from "./facts.ts";
import { first } from "./heaviest.ts";

/** One list of several nodes' lists. Pure. */
export function mergeLists(
	answers: readonly NodeAnswer<DocumentList>[],
	{ sort, limit }: DocumentQuery,
): ClusterDocumentList {
	const merged = new Map<string, ClusterDocumentRow>();
	for (const { node, answer } of answers) {
		for (const row of answer.rows) {
			const other = merged.get(row.name);
			merged.set(row.name, other === undefined ? { ...row, nodes: [node] } : together(other, row, node));
		}
	}
	const repeated = answers.reduce((sum, { answer }) => sum + answer.rows.length, 0) - merged.size;
	const matching = answers.reduce((sum, { answer }) => sum + answer.matching, 0) - repeated;
	// Of those that are not among the first ones, nobody knows whether they are the same.
	const matchingMin = Math.max(merged.size, ...answers.map(({ answer }) => answer.matching));
	return { matching, matchingMin, rows: first([...merged.values()], sort, limit) };
}

function together(one: ClusterDocumentRow, other: DocumentRow, node: string): ClusterDocumentRow {
	return {
		name: one.name,
		people: one.people + other.people,
		// Each node counts what it logs itself.
		edits: one.edits + other.edits,
		editsPerS: one.editsPerS + other.editsPerS,
		// They share the store; whoever has loaded it later knows of a snapshot that is newer.
		storedBytes: Math.max(one.storedBytes, other.storedBytes),
		lastEditMs: latest(one.lastEditMs, other.lastEditMs),
		nodes: [...one.nodes, node],
	};
}

function latest(one: number | null, other: number | null): number | null {
	return one === null || other === null ? (one ?? other) : Math.max(one, other);
}
