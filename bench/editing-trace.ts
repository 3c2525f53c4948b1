import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import * as Y from "yjs";
import { clientIdOf } from "./runs.ts";

/**
 * A recorded history of typing, gzipped JSON as in github.com/josephg/editing-traces: patches are `[position, deleted, inserted]`
 * in the version of the text that `parents` make. Without parents and agents it is one person's.
 */
interface Recorded {
	readonly startContent?: string;
	readonly txns: readonly {
		readonly parents?: readonly number[];
		readonly agent?: number;
		readonly patches: readonly (readonly [position: number, deleted: number, inserted: string])[];
	}[];
}

/** What was recorded, as Yjs updates of a root `Y.Text` "text". */
export interface Replay {
	/** What was there before, as a Yjs update. */
	readonly contents: Uint8Array;
	readonly authors: number;
	readonly edits: readonly {
		readonly author: number;
		readonly update: Uint8Array;
		/** The author's Yjs clock afterwards; the one before when nothing was inserted. */
		readonly clock: number;
	}[];
}

export function isEditingTrace(path: string): boolean {
	return path.endsWith(".json.gz");
}

/** @param count How many edits at most. */
export function readReplay(path: string, count = Number.POSITIVE_INFINITY): Replay {
	const recorded: Recorded = JSON.parse(gunzipSync(readFileSync(path)).toString());
	const start = new Y.Doc();
	start.getText("text").insert(0, recorded.startContent ?? "");
	const contents = Y.encodeStateAsUpdate(start);
	const authors: Author[] = [];
	const edits: { author: number; update: Uint8Array; clock: number }[] = [];
	const txns = recorded.txns.slice(0, count);
	const parentsOf = (n: number) => txns[n]?.parents ?? (n > 0 ? [n - 1] : []);
	for (const [n, { agent = 0, patches }] of txns.entries()) {
		authors[agent] ??= new Author(agent, contents);
		const author = authors[agent];
		for (const known of author.learn(parentsOf(n), parentsOf)) author.receive(edits[known]?.update);
		edits.push({ author: agent, ...author.edit(n, patches) });
	}
	return { contents, authors: Math.max(0, ...edits.map(({ author }) => author)) + 1, edits };
}

/** The whole of a recorded history. */
export function replayedDocument(path: string): Uint8Array {
	const { contents, edits } = readReplay(path);
	return Y.mergeUpdates([contents, ...edits.map(({ update }) => update)]);
}

/** Somebody who typed, with the text as they saw it. */
class Author {
	readonly #document = new Y.Doc();
	/** Edits that they know. */
	readonly #known = new Set<number>();
	#latest: Uint8Array = new Uint8Array();

	constructor(index: number, contents: Uint8Array) {
		Y.applyUpdate(this.#document, contents);
		this.#document.clientID = clientIdOf(index);
		this.#document.on("update", (update: Uint8Array) => (this.#latest = update));
	}

	/** @returns The edits that lead to `parents` and that they do not know yet, in the order in which they were made. */
	learn(parents: readonly number[], parentsOf: (edit: number) => readonly number[]): readonly number[] {
		const learned: number[] = [];
		const toVisit = [...parents];
		for (let edit = toVisit.pop(); edit !== undefined; edit = toVisit.pop()) {
			if (this.#known.has(edit)) continue;
			this.#known.add(edit);
			learned.push(edit);
			toVisit.push(...parentsOf(edit));
		}
		return learned.sort((a, b) => a - b);
	}

	receive(update: Uint8Array | undefined): void {
		if (update !== undefined) Y.applyUpdate(this.#document, update);
	}

	edit(edit: number, patches: Recorded["txns"][number]["patches"]): { update: Uint8Array; clock: number } {
		const text = this.#document.getText("text");
		this.#known.add(edit);
		this.#document.transact(() => {
			for (const [position, deleted, inserted] of patches) {
				if (deleted > 0) text.delete(position, deleted);
				if (inserted !== "") text.insert(position, inserted);
			}
		});
		return { update: this.#latest, clock: Y.getState(this.#document.store, this.#document.clientID) };
	}
}
