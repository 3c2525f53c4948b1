const roomBytesMin = 1024;

/** Bytes that come piece by piece. It takes at most about twice the memory of what has come, however small the pieces are. */
export class GrowingBytes {
	#bytes: Buffer;
	length = 0;

	/** @param expected How many there will be, if all goes well, in bytes. */
	constructor(expected: number, first: Uint8Array) {
		this.#bytes = Buffer.allocUnsafeSlow(Math.min(expected, Math.max(2 * first.byteLength, roomBytesMin)));
		this.append(first, expected);
	}

	/** @param expected As for the constructor; it may have become known only now. */
	append(piece: Uint8Array, expected: number): void {
		const length = this.length + piece.byteLength;
		if (length > this.#bytes.byteLength) {
			const larger = Buffer.allocUnsafeSlow(Math.max(length, Math.min(expected, 2 * length)));
			larger.set(this.#bytes.subarray(0, this.length));
			this.#bytes = larger;
		}
		this.#bytes.set(piece, this.length);
		this.length = length;
	}

	get bytes(): Buffer {
		return this.#bytes.subarray(0, this.length);
	}
}
