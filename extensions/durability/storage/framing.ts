/**
 * Several updates as one run of bytes: for each, its length as a varint (as in lib0: seven bits a byte, low ones
 * first) and then its bytes. Pure.
 */

/** Bytes that {@link writeVarint} needs for `value`. */
export function varintBytes(value: number): number {
	let bytes = 1;
	for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes += 1;
	return bytes;
}

/** @returns The offset after it. */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
	let rest = value;
	let at = offset;
	while (rest >= 0x80) {
		target[at] = (rest % 0x80) | 0x80;
		rest = Math.floor(rest / 0x80);
		at += 1;
	}
	target[at] = rest;
	return at + 1;
}

/** @returns The value and the offset after it; `undefined` when the bytes end first or it is no safe integer. */
export function readVarint(
	source: Uint8Array,
	offset: number,
): { readonly value: number; readonly end: number } | undefined {
	let value = 0;
	let factor = 1;
	for (let at = offset; at < source.byteLength; at += 1) {
		const byte = source[at] ?? 0;
		value += (byte & 0x7f) * factor;
		if (value > Number.MAX_SAFE_INTEGER) return undefined;
		if (byte < 0x80) return { value, end: at + 1 };
		factor *= 0x80;
	}
	return undefined;
}

/** Size of the updates when framed, in bytes. */
export function framedBytes(updates: readonly Uint8Array[]): number {
	let bytes = 0;
	for (const update of updates) bytes += varintBytes(update.byteLength) + update.byteLength;
	return bytes;
}

/** @returns The offset after the last update. */
export function writeFramed(target: Uint8Array, offset: number, updates: readonly Uint8Array[]): number {
	let at = offset;
	for (const update of updates) {
		at = writeVarint(target, at, update.byteLength);
		target.set(update, at);
		at += update.byteLength;
	}
	return at;
}

/**
 * The updates in a run of bytes, as views on it.
 * @throws {RangeError} when an update goes beyond the end.
 */
export function readFramed(payload: Uint8Array): Uint8Array[] {
	const updates: Uint8Array[] = [];
	let at = 0;
	while (at < payload.byteLength) {
		const length = readVarint(payload, at);
		if (length === undefined || length.value > payload.byteLength - length.end) {
			throw new RangeError("a framed update goes beyond the end");
		}
		at = length.end + length.value;
		updates.push(payload.subarray(length.end, at));
	}
	return updates;
}
