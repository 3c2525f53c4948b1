import { documentKey, nameChecksum } from "../storage/checksum.ts";
import { framedBytes, writeFramed } from "../storage/framing.ts";
import type { AppendRequest } from "../store.ts";
import { contentChecksum } from "./entry-checksum.ts";

/** One document's place in {@link PackedBatch}. */
export interface PackedRequest {
	readonly documentName: string;
	readonly key: bigint;
	/** Where its name begins; its payload follows. */
	readonly start: number;
	readonly nameBytes: number;
	readonly payloadBytes: number;
	readonly checksum: number;
	readonly generation: number;
}

/**
 * A batch, with names and payloads end to end in one buffer: as one parameter it travels as it is, and in an array each would
 * travel as hexadecimal digits.
 */
export interface PackedBatch {
	readonly bytes: Buffer;
	readonly requests: readonly PackedRequest[];
}

/** @throws {TypeError} when a request has no updates, or a name that is no Unicode. */
export function packBatch(batch: readonly AppendRequest[]): PackedBatch {
	const sizes = batch.map(({ documentName, updates }) => {
		if (updates.length === 0) throw new TypeError("a log entry needs at least one update");
		return {
			nameBytes: Buffer.byteLength(checkedName(documentName)),
			payloadBytes: framedBytes(updates),
		};
	});
	const total = sizes.reduce((sum, { nameBytes, payloadBytes }) => sum + nameBytes + payloadBytes, 0);
	const bytes = Buffer.allocUnsafe(total);
	let start = 0;
	const requests = batch.map(({ documentName, updates, generation = 0 }, index): PackedRequest => {
		const { nameBytes, payloadBytes } = sizes[index] ?? { nameBytes: 0, payloadBytes: 0 };
		bytes.write(documentName, start);
		const from = start + nameBytes;
		const to = writeFramed(bytes, from, updates);
		const sum = contentChecksum(nameChecksum(documentName), bytes.subarray(from, to));
		const request = { documentName, key: documentKey(documentName), start, nameBytes, payloadBytes };
		start = to;
		return { ...request, checksum: sum, generation };
	});
	return { bytes, requests };
}

/** The parameters of the append statement. */
export function appendParameters({ bytes, requests }: PackedBatch): unknown[] {
	return [
		bytes,
		requests.map(({ key }) => String(key)),
		// SQL counts from 1.
		requests.map(({ start }) => start + 1),
		requests.map(({ nameBytes }) => nameBytes),
		requests.map(({ payloadBytes }) => payloadBytes),
		requests.map(({ checksum }) => checksum),
		requests.map(({ generation }) => generation),
	];
}

/** In UTF-8, two names with lone surrogates could become one. */
export function checkedName(documentName: string): string {
	if (!documentName.isWellFormed()) throw new TypeError("a document name must be well-formed Unicode");
	return documentName;
}
