import type { Document } from "@hocuspocus/server";
import { convertUpdateFormatV2ToV1 } from "yjs";
import { scanUpdate, type UpdateScan } from "../../durability/update-scan.ts";
import { prospectOf } from "./dependencies.ts";
import { Waiting } from "./waiting.ts";

/** What holding back costs beyond bytes: Yjs reads all structs again with each that it adds, and all deletions with each update. */
const partWeight = 8;
const sectionWeight = 32;
const rangeWeight = 64;
/** A deleted range takes two bytes at least. */
const deletesWeight = rangeWeight / 2;
/** Updates that add to what is held back, from when something is until nothing is any more. */
const addedMax = 500;

/** The least weight that an update of so many bytes can't have. */
export function weightMax(bytes: number): number {
	return bytes * (1 + deletesWeight);
}

/**
 * What Yjs holds back of one document, because it builds on something that has not come. It belongs to nobody yet, and it costs every
 * edit of the document something.
 */
export class HeldBack {
	readonly #document: Document;
	readonly #weightMax: number;
	readonly #settle: () => void;
	/** What was weighed: Yjs adds to this object, and makes another one when something of it was taken in. */
	#structs: object | null = null;
	#structsWeight = 0;
	#added = 0;
	/** What was held back when these were what Yjs had for it. */
	#waiting:
		| {
				readonly all: Waiting;
				readonly structs: Uint8Array | undefined;
				readonly deletions: Uint8Array | null;
		  }
		| undefined;

	constructor(document: Document, weightMax: number, settle: () => void) {
		this.#document = document;
		this.#weightMax = weightMax;
		this.#settle = settle;
	}

	/** Whether it is easy to say that nothing is. */
	get isNothing(): boolean {
		const { pendingStructs, pendingDs } = this.#document.store;
		return pendingStructs === null && pendingDs === null;
	}

	/**
	 * Whether there is room for what Yjs would hold back of an update; "known" when it brings nothing that is not here or held back already.
	 * @throws when the update can't be read.
	 */
	judge(update: Uint8Array, scan: UpdateScan): "room" | "no-room" | "known" {
		const weight = weightOf(update, scan);
		if (this.isNothing) {
			this.#structs = null;
			this.#waiting = undefined;
			this.#added = 0;
			if (weight <= this.#weightMax) return "room";
		}
		let prospect = prospectOf(this.#document, update, this.#waitingNow());
		if (prospect === "held-back") {
			this.#settle();
			prospect = prospectOf(this.#document, update, this.#waitingNow());
		}
		if (prospect === "known" && !this.isNothing) return "known";
		if (prospect !== "held-back") return "room";
		if (this.#added >= addedMax || this.#weight() + weight > this.#weightMax) return "no-room";
		this.#added += 1;
		this.#structsWeight += weight;
		return "room";
	}

	#waitingNow(): Waiting {
		const { pendingStructs, pendingDs } = this.#document.store;
		const structs = pendingStructs?.update;
		const before = this.#waiting;
		// Yjs makes the deletions anew with each update that it applies.
		const isSame = before?.structs === structs && isSameBytes(before?.deletions ?? null, pendingDs);
		if (before !== undefined && isSame) return before.all;
		const all = new Waiting(this.#document);
		this.#waiting = { all, structs, deletions: pendingDs };
		return all;
	}

	#weight(): number {
		const { pendingStructs, pendingDs } = this.#document.store;
		if (pendingStructs === null) this.#structsWeight = 0;
		else if (pendingStructs !== this.#structs) {
			const update = convertUpdateFormatV2ToV1(pendingStructs.update);
			this.#structsWeight = weightOf(update, scanUpdate(update, this.#weightMax));
		}
		this.#structs = pendingStructs;
		return this.#structsWeight + (pendingDs?.byteLength ?? 0) * deletesWeight;
	}
}

function weightOf({ byteLength }: Uint8Array, { parts, sections, ranges }: UpdateScan): number {
	return byteLength + parts * partWeight + sections * sectionWeight + ranges * (rangeWeight - partWeight);
}

function isSameBytes(one: Uint8Array | null, other: Uint8Array | null): boolean {
	if (one === null || other === null) return one === other;
	return Buffer.compare(one, other) === 0;
}
