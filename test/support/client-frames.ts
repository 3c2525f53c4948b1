import type { Random } from "./random.ts";

export interface ClientFrame {
	readonly opcode: number;
	readonly payload?: Uint8Array;
	readonly isFinal?: boolean;
	readonly reserved?: number;
	/** Empty for a frame that is not masked. */
	readonly mask?: readonly number[];
	/** In how many bits the payload's length is written; as few as possible by default. */
	readonly lengthBits?: 7 | 16 | 64;
	/** What the header says of the length, when that is not true. */
	readonly claimedBytes?: number;
}

/** A WebSocket frame as a client sends it (RFC 6455, section 5.2), or as it must not. */
export function clientFrame({
	opcode,
	payload = new Uint8Array(),
	isFinal = true,
	reserved = 0,
	mask = [0x12, 0x34, 0x56, 0x78],
	claimedBytes = payload.byteLength,
	lengthBits = shortest(claimedBytes),
}: ClientFrame): Buffer {
	const [length = 0, ...longer] = {
		7: () => [claimedBytes],
		16: () => [126, ...bytesOf(claimedBytes, 2)],
		64: () => [127, ...bytesOf(claimedBytes, 8)],
	}[lengthBits]();
	const maskedBit = mask.length > 0 ? 0x80 : 0;
	const head = [(isFinal ? 0x80 : 0) | (reserved << 4) | opcode, maskedBit | length, ...longer, ...mask];
	return Buffer.concat([Buffer.from(head), payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0))]);
}

function shortest(bytes: number): 7 | 16 | 64 {
	if (bytes < 126) return 7;
	return bytes < 0x1_0000 ? 16 : 64;
}

function bytesOf(number: number, bytes: number): number[] {
	return Array.from({ length: bytes }, (_, at) => Math.floor(number / 256 ** (bytes - 1 - at)) % 256);
}

/** The same bytes in pieces, as a network delivers them. Each is a buffer of its own. */
export function inPieces(bytes: Uint8Array, random: Random): Buffer[] {
	const pieces: Buffer[] = [];
	const sizes = random.pick([[1], [1, 2, 3, 7], [5, 100, 3_000], [bytes.byteLength + 1]]);
	for (let at = 0; at < bytes.byteLength; ) {
		const piece = bytes.subarray(at, at + random.pick(sizes));
		// At any address, not only where words begin.
		const shift = random.below(8);
		const room = Buffer.alloc(shift + piece.byteLength);
		room.set(piece, shift);
		pieces.push(room.subarray(shift));
		at += piece.byteLength;
	}
	return pieces;
}
