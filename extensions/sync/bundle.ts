import { frameBytes, writeFrameHeader } from "./web-socket-frame.ts";

/** What follows the address in a Hocuspocus message: `varUint messageType, …`. */
export type Body = Uint8Array;

/**
 * Messages that leave together. They are put together once, for however many sockets, and are one write to each.
 */
export class Bundle {
	readonly #address: Uint8Array;
	readonly #bodies: readonly Body[];
	#framed: Buffer | undefined;
	#messages: readonly Uint8Array[] | undefined;

	/** @param address With its length before it, as it begins each message. */
	constructor(address: Uint8Array, bodies: readonly Body[]) {
		this.#address = address;
		this.#bodies = bodies;
	}

	/** The messages as WebSocket frames, one after the other. */
	get framed(): Uint8Array {
		this.#framed ??= this.#frame();
		return this.#framed;
	}

	/** The messages, each for a WebSocket message of its own. */
	get messages(): readonly Uint8Array[] {
		this.#messages ??= this.#bodies.map((body) => Buffer.concat([this.#address, body]));
		return this.#messages;
	}

	#frame(): Buffer {
		const address = this.#address;
		let bytes = 0;
		for (const body of this.#bodies) bytes += frameBytes(address.byteLength + body.byteLength);
		const framed = Buffer.allocUnsafe(bytes);
		let at = 0;
		for (const body of this.#bodies) {
			at = writeFrameHeader(framed, at, address.byteLength + body.byteLength);
			framed.set(address, at);
			framed.set(body, at + address.byteLength);
			at += address.byteLength + body.byteLength;
		}
		return framed;
	}
}
