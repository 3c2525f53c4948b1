import { expect } from "vitest";
import * as Y from "yjs";
import { PostgresStore } from "../../extensions/durability/index.ts";
import { openClient } from "./client.ts";
import { eventually } from "./eventually.ts";
import type { ProcessCluster } from "./process-cluster.ts";
import { type Writers, wordsName } from "./writers.ts";

/** What the store has, read without any node. */
async function storedWords(databaseUrl: string, documentNames: readonly string[]) {
	const store = new PostgresStore({ url: databaseUrl });
	await store.open();
	const found = new Map<string, readonly string[]>();
	for (const documentName of documentNames) {
		const { snapshot, entries } = await store.load(documentName);
		const document = new Y.Doc();
		if (snapshot !== undefined) Y.applyUpdate(document, snapshot.update);
		for (const { updates } of entries) for (const update of updates) Y.applyUpdate(document, update);
		found.set(documentName, document.getArray<string>(wordsName).toArray());
	}
	await store.close();
	return found;
}

function count(words: readonly string[]): Map<string, number> {
	const counts = new Map<string, number>();
	for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
	return counts;
}

/** [DUR1] All that was acknowledged before this call is in the store, whoever runs. */
export async function expectAcknowledgedStored(
	databaseUrl: string,
	writers: Writers,
	when: string,
): Promise<void> {
	const acknowledgements = writers.acknowledgements();
	const stored = await storedWords(databaseUrl, writers.documentNames);
	const counts = new Map([...stored].map(([name, words]) => [name, count(words)]));
	const missing = acknowledgements.flatMap(({ name, documentName, acknowledged }) =>
		numbered(name, acknowledged).filter((word) => counts.get(documentName)?.get(word) !== 1),
	);
	expect(missing, `${when}: acknowledged, and not in the store exactly once`).toEqual([]);
}

function numbered(name: string, last: number): string[] {
	return Array.from({ length: last }, (_, index) => `${name}.${index + 1}`);
}

/**
 * [CON1] Everybody has stopped, and nothing is broken any more: all is saved; all clients of a document, all nodes and the
 * store have the same; in it is everything that those who are there have written, and that was acknowledged to those who
 * left; nothing is there twice.
 */
export async function expectInStep(
	cluster: ProcessCluster,
	writers: Writers,
	deadlineMs = 30_000,
): Promise<void> {
	await writers.saved(deadlineMs);
	for (const documentName of writers.documentNames) {
		const group = writers.present.filter((writer) => writer.documentName === documentName);
		const text = () => group[0]?.words().join() ?? "";
		await eventually(
			`all clients of ${documentName} to have the same`,
			() => group.every((writer) => writer.words().join() === text()),
			deadlineMs,
		).catch((error) => {
			throw new Error(describeDifference(group.map((writer) => [writer.name, writer.words()])), {
				cause: error,
			});
		});
		const counts = count(group[0]?.words() ?? []);
		const twice = [...counts].filter(([, times]) => times > 1);
		expect(twice, `there more than once in ${documentName}`).toEqual([]);
		const wanted = [
			...group.flatMap(({ name, written }) => numbered(name, written)),
			...writers.past
				.filter((writer) => writer.documentName === documentName)
				.flatMap(({ name, acknowledged }) => numbered(name, acknowledged)),
		];
		expect(
			wanted.filter((word) => !counts.has(word)),
			`missing in ${documentName}`,
		).toEqual([]);
		await eventually(
			`the store to have the same of ${documentName} as memory`,
			async () =>
				(await storedWords(cluster.databaseUrl, [documentName])).get(documentName)?.join() === text(),
			deadlineMs,
		);
		for (const { name, url } of cluster.nodes) {
			const reader = openClient({ url, name: documentName, awareness: null });
			await reader.synced();
			const theirs = () => reader.document.getArray<string>(wordsName).toArray().join();
			await eventually(
				`${name} to have the same of ${documentName}`,
				() => theirs() === text(),
				deadlineMs,
			).finally(() => reader.destroy());
		}
	}
}

/** What each has that others lack. */
function describeDifference(all: readonly (readonly [string, readonly string[]])[]): string {
	const everything = new Set(all.flatMap(([, words]) => words));
	const lines = all.map(([name, words]) => {
		const has = new Set(words);
		const lacks = [...everything].filter((word) => !has.has(word));
		return `${name} has ${words.length} words, lacks ${lacks.length}: ${lacks.slice(0, 10).join(" ")}`;
	});
	return `clients of a document differ:\n${lines.join("\n")}`;
}
