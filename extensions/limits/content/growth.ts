import {
	ContentAny,
	ContentBinary,
	ContentString,
	type Doc,
	decodeUpdate,
	findIndexSS,
	type GC,
	getState,
	Item,
	Skip,
} from "yjs";

/** What each item takes in an update at least: what it is, and beside whom. */
const itemBytes = 3;

/**
 * Whether a document would be larger with an update than it is: whether the update has something new that is more than what it
 * deletes. What is deleted is estimated, rather too low. Pure.
 * @throws when the update can't be read.
 */
export function grows(document: Doc, update: Uint8Array): boolean {
	const { structs, ds } = decodeUpdate(update);
	const isNew = structs.some(
		(struct) =>
			!(struct instanceof Skip) &&
			struct.id.clock + struct.length > getState(document.store, struct.id.client),
	);
	if (!isNew) return false;
	if (!document.gc) return true;
	let freedBytes = 0;
	for (const [client, ranges] of ds.clients) {
		let counted = 0;
		for (const { clock, len } of ranges.toSorted((one, other) => one.clock - other.clock)) {
			freedBytes += liveBytes(document, client, Math.max(clock, counted), clock + len);
			counted = Math.max(counted, clock + len);
		}
	}
	return update.byteLength > freedBytes;
}

/** Of what is not deleted yet. */
function liveBytes({ store }: Doc, client: number, from: number, to: number): number {
	const structs = store.clients.get(client);
	if (structs === undefined || from >= to || from >= getState(store, client)) return 0;
	let bytes = 0;
	for (let at = findIndexSS(structs, from); at < structs.length; at += 1) {
		const struct = structs[at] as Item | GC;
		if (struct.id.clock >= to) break;
		if (!(struct instanceof Item) || struct.deleted) continue;
		const start = Math.max(struct.id.clock, from);
		const end = Math.min(struct.id.clock + struct.length, to);
		bytes += contentBytes(struct, (end - start) / struct.length);
	}
	return bytes;
}

function contentBytes({ content, length }: Item, share: number): number {
	if (content instanceof ContentString) return content.str.length * share + itemBytes;
	if (content instanceof ContentBinary) return content.content.byteLength + itemBytes;
	if (content instanceof ContentAny) return valueBytes(content.arr) * share + itemBytes;
	return length * share + itemBytes;
}

/** Values inside of values don't count. */
function valueBytes(values: readonly unknown[]): number {
	let bytes = 0;
	for (const value of values) {
		if (typeof value === "string") bytes += value.length;
		else bytes += value instanceof Uint8Array ? value.byteLength : 1;
	}
	return bytes;
}
