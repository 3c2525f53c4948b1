/** The floor: a message gets its WebSocket header once, and each socket one `write` of the same bytes. `ws` only receives. */
import type { Duplex } from "node:stream";
import { serveBroadcaster } from "./broadcaster.ts";

class FramedPeer {
	readonly #socket: Duplex;

	constructor(socket: Duplex) {
		this.#socket = socket;
	}

	send(message: Uint8Array): void {
		this.#socket.write(serverFrame(message));
	}

	/** @param frame Of {@link serverFrame}. */
	write(frame: Uint8Array): void {
		if (!this.#socket.destroyed) this.#socket.write(frame);
	}
}

serveBroadcaster(
	(socket) => new FramedPeer(socket),
	(message, peers) => {
		const frame = serverFrame(message);
		for (const peer of peers) peer.write(frame);
	},
);

const wholeBinaryMessage = 0x82;

function serverFrame(message: Uint8Array): Uint8Array {
	const { byteLength } = message;
	const lengthBytes = byteLength < 126 ? 0 : byteLength < 65_536 ? 2 : 8;
	const frame = Buffer.allocUnsafe(2 + lengthBytes + byteLength);
	frame[0] = wholeBinaryMessage;
	frame[1] = lengthBytes === 0 ? byteLength : lengthBytes === 2 ? 126 : 127;
	if (lengthBytes === 2) frame.writeUInt16BE(byteLength, 2);
	if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(byteLength), 2);
	frame.set(message, 2 + lengthBytes);
	return frame;
}
