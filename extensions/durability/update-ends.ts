import * as decoding from "lib0/decoding";
import { type Doc, decodeUpdateV2, getState, type ID, Item, Skip, UpdateDecoderV1 } from "yjs";
import type { DecodedUpdate } from "../sync/bounded-apply.ts";
import type { Admitted } from "../sync/gate.ts";
import { makesTypes } from "./nesting.ts";
import { isTooDeep } from "./value-depth.ts";
import { holdsNothing } from "./wire.ts";

/** Of two sections, it would take one. */
const sectionsDiffer = "the update has not one section for each client";
const numberMax = Number.MAX_SAFE_INTEGER;

/** For each Yjs client id, the clock after the last struct that an update holds. */
export type UpdateEnds = ReadonlyMap<number, number>;

export interface UpdateRead extends Admitted {
	readonly ends: UpdateEnds;
}

/** Updates with more structs are decoded again when they are applied: until then they would take much more memory than their bytes. */
const keptStructsMax = 256;

type Struct = DecodedUpdate["structs"][number];

/**
 * Reads an update to its end without applying it. `y-protocols` swallows an update that can't be read, and Hocuspocus
 * would acknowledge it; and Yjs reserves memory for as many structs as the update claims to have.
 *
 * Yjs takes much that it never makes, and then does not read back what it has written of it: such a document could not be opened
 * any more [TRN5]. So nothing is let in that no Yjs makes.
 * @throws when it can't be read, or must not be applied.
 */
export function readUpdate(update: Uint8Array): UpdateRead {
	// What most send who join.
	if (holdsNothing(update)) return nothingRead;
	const decoded = decodeUpdateV2(update, NotingDecoder);
	const readBytes = noted?.pos ?? update.byteLength;
	const { structs, ds } = decoded;
	const ends = endsOf(structs, decoding.readVarUint(decoding.createDecoder(update)));
	for (const [client, ranges] of ds.clients) {
		checkNumbers(client, 0);
		checkRanges(ranges);
	}
	const isKept = structs.length <= keptStructsMax;
	return { ends, makesTypes: makesTypes(structs), decoded: isKept ? decoded : undefined, readBytes };
}

const nothingRead: UpdateRead = { ends: new Map(), makesTypes: false, decoded: undefined, readBytes: 2 };

let noted: decoding.Decoder | undefined;

/** For `decodeUpdate`, which does not say how far it has read. */
class NotingDecoder extends UpdateDecoderV1 {
	constructor(decoder: decoding.Decoder) {
		super(decoder);
		noted = decoder;
	}
}

/** {@link readUpdate}, for its ends alone. */
export function updateEnds(update: Uint8Array): UpdateEnds {
	return readUpdate(update).ends;
}

function endsOf(structs: readonly Struct[], sections: number): Map<number, number> {
	const ends = new Map<number, number>();
	let left = sections;
	let current: number | undefined;
	for (const struct of structs) {
		const { client, clock } = struct.id;
		const end = clock + struct.length;
		checkNumbers(client, end);
		if (client !== current) {
			left -= 1;
			current = client;
			if (ends.has(client)) throw new Error(sectionsDiffer);
		}
		if (struct instanceof Skip) continue;
		// Where it finds one, it does not get to the end of its transaction: its document takes edits from then on and tells nobody of
		// them, the log included.
		if (struct.length === 0) throw new Error("the update holds an empty struct");
		if (struct instanceof Item) {
			checkSurroundings(struct);
			if (isTooDeep(struct.content)) throw new Error("the update holds values that are nested too deep");
		}
		ends.set(client, end);
	}
	if (left !== 0) throw new Error(sectionsDiffer);
	return ends;
}

/** Where numbers are no longer exact, Yjs does not find again what it has stored, nor read all that it writes. */
function checkNumbers(client: number, clock: number): void {
	if (!(client < numberMax && clock < numberMax))
		throw new Error("the update counts further than numbers go");
}

/** What a client has made is next to, or in, what it has made before. */
function checkSurroundings({ id, origin, rightOrigin, parent }: Item): void {
	checkSurrounding(origin, id);
	checkSurrounding(rightOrigin, id);
	checkSurrounding(parent, id);
}

function checkSurrounding(of: unknown, { client, clock }: ID): void {
	const id = of as ID | string | null;
	if (id === null || typeof id !== "object") return;
	checkNumbers(id.client, id.clock);
	if (id.client === client && id.clock >= clock)
		throw new Error("the update holds a struct that builds on a later one");
}

/** Those of a client are in order and apart from each other. */
function checkRanges(
	ranges: DecodedUpdate["ds"]["clients"] extends Map<number, infer Ranges> ? Ranges : never,
): void {
	let from = 0;
	for (const { clock, len } of ranges) {
		const end = clock + len;
		if (!(clock >= from && len > 0 && end < numberMax)) throw new Error("the update deletes out of order");
		from = end;
	}
}

/** Whether all structs of an update have reached the document, or wait in it for others that are missing. */
export function hasArrived(document: Doc, ends: UpdateEnds): boolean {
	return ends.size === 0 || document.store.pendingStructs !== null || isIntegrated(document, ends);
}

/** Whether all structs of an update are the document's. */
export function isIntegrated(document: Doc, ends: UpdateEnds): boolean {
	for (const [client, end] of ends) if (getState(document.store, client) < end) return false;
	return true;
}
