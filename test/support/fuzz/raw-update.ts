/**
 * Yjs updates (V1) written struct by struct, so that a test can say what no Yjs would. The format is that of Yjs 13.6:
 * `writeClientsStructs`, `Item.write` and `writeDeleteSet`. Numbers are written as `varUint`; those past 2^53 take a `bigint`.
 */
import * as encoding from "lib0/encoding";

export type Clock = number | bigint;

export interface RawId {
	readonly client: Clock;
	readonly clock: Clock;
}

/** What follows an item's place; `ref` is what its first byte says the content is. */
export interface RawContent {
	readonly ref: number;
	write(encoder: encoding.Encoder): void;
}

export interface RawStruct {
	readonly content: RawContent;
	readonly origin?: RawId;
	readonly rightOrigin?: RawId;
	/** A root's name, or the item that a type is in. Written only by an item without neighbours, as Yjs reads it. */
	readonly parent?: string | RawId;
	readonly key?: string;
}

export interface RawSection {
	readonly client: Clock;
	readonly clock: Clock;
	readonly structs: readonly RawStruct[];
	/** What the section says it has, if that is not so. */
	readonly count?: Clock;
}

export interface RawDeletes {
	readonly client: Clock;
	readonly ranges: readonly (readonly [clock: Clock, length: Clock])[];
}

const gcRef = 0;
const skipRef = 10;

export function rawUpdate(sections: readonly RawSection[], deletes: readonly RawDeletes[] = []): Uint8Array {
	return encoding.encode((encoder) => {
		encoding.writeVarUint(encoder, sections.length);
		for (const { client, clock, structs, count } of sections) {
			writeNumber(encoder, count ?? structs.length);
			writeNumber(encoder, client);
			writeNumber(encoder, clock);
			for (const struct of structs) writeStruct(encoder, struct);
		}
		encoding.writeVarUint(encoder, deletes.length);
		for (const { client, ranges } of deletes) {
			writeNumber(encoder, client);
			encoding.writeVarUint(encoder, ranges.length);
			for (const [clock, length] of ranges) {
				writeNumber(encoder, clock);
				writeNumber(encoder, length);
			}
		}
	});
}

function writeStruct(encoder: encoding.Encoder, struct: RawStruct): void {
	const { content, origin, rightOrigin, parent = "text", key } = struct;
	if (content.ref === gcRef || content.ref === skipRef) {
		encoding.writeUint8(encoder, content.ref);
		content.write(encoder);
		return;
	}
	const info = content.ref | (origin ? 0x80 : 0) | (rightOrigin ? 0x40 : 0) | (key === undefined ? 0 : 0x20);
	encoding.writeUint8(encoder, info);
	if (origin) writeId(encoder, origin);
	if (rightOrigin) writeId(encoder, rightOrigin);
	if (!origin && !rightOrigin) {
		encoding.writeVarUint(encoder, typeof parent === "string" ? 1 : 0);
		if (typeof parent === "string") encoding.writeVarString(encoder, parent);
		else writeId(encoder, parent);
		if (key !== undefined) encoding.writeVarString(encoder, key);
	}
	content.write(encoder);
}

function writeId(encoder: encoding.Encoder, { client, clock }: RawId): void {
	writeNumber(encoder, client);
	writeNumber(encoder, clock);
}

/** As lib0's `writeVarUint`, and beyond the numbers that it takes. */
export function writeNumber(encoder: encoding.Encoder, value: Clock): void {
	let rest = BigInt(value);
	while (rest > 127n) {
		encoding.writeUint8(encoder, Number(rest & 127n) | 128);
		rest >>= 7n;
	}
	encoding.writeUint8(encoder, Number(rest));
}

/** Contents by their name in Yjs. */
export const content = {
	gc: (length: Clock): RawContent => ({ ref: gcRef, write: (encoder) => writeNumber(encoder, length) }),
	skip: (length: Clock): RawContent => ({ ref: skipRef, write: (encoder) => writeNumber(encoder, length) }),
	deleted: (length: Clock): RawContent => ({ ref: 1, write: (encoder) => writeNumber(encoder, length) }),
	json: (...values: readonly string[]): RawContent => ({
		ref: 2,
		write(encoder) {
			encoding.writeVarUint(encoder, values.length);
			for (const value of values) encoding.writeVarString(encoder, value);
		},
	}),
	binary: (bytes: Uint8Array): RawContent => ({
		ref: 3,
		write: (encoder) => encoding.writeVarUint8Array(encoder, bytes),
	}),
	/** @param bytes Of the text; not checked to be UTF-8. */
	string: (text: string | Uint8Array): RawContent => ({
		ref: 4,
		write(encoder) {
			if (typeof text === "string") encoding.writeVarString(encoder, text);
			else encoding.writeVarUint8Array(encoder, text);
		},
	}),
	embed: (json: string): RawContent => ({
		ref: 5,
		write: (encoder) => encoding.writeVarString(encoder, json),
	}),
	format: (key: string, json: string): RawContent => ({
		ref: 6,
		write(encoder) {
			encoding.writeVarString(encoder, key);
			encoding.writeVarString(encoder, json);
		},
	}),
	/** Type references: 0 array, 1 map, 2 text, 3 XML element, 4 fragment, 5 hook, 6 XML text. */
	type: (type: number, name?: string): RawContent => ({
		ref: 7,
		write(encoder) {
			encoding.writeVarUint(encoder, type);
			if (name !== undefined) encoding.writeVarString(encoder, name);
		},
	}),
	any: (...values: readonly unknown[]): RawContent => ({
		ref: 8,
		write(encoder) {
			encoding.writeVarUint(encoder, values.length);
			for (const value of values) encoding.writeAny(encoder, value as null);
		},
	}),
	/** @param bytes Values as lib0 writes them, or not. */
	rawAny: (count: Clock, bytes: Uint8Array): RawContent => ({
		ref: 8,
		write(encoder) {
			writeNumber(encoder, count);
			encoding.writeUint8Array(encoder, bytes);
		},
	}),
	document: (guid: string, options: unknown): RawContent => ({
		ref: 9,
		write(encoder) {
			encoding.writeVarString(encoder, guid);
			encoding.writeAny(encoder, options as null);
		},
	}),
	/** Content of a kind that Yjs doesn't know. */
	unknown: (ref: number, bytes: Uint8Array = new Uint8Array()): RawContent => ({
		ref,
		write: (encoder) => encoding.writeUint8Array(encoder, bytes),
	}),
};
