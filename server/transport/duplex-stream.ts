import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ClientStream, StreamHandlers } from "./client-stream.ts";

/** A stream of Node.js: TLS, or whatever an embedder's server hands over. */
export class DuplexStream implements ClientStream {
	readonly #duplex: Duplex;
	handlers: StreamHandlers | undefined;

	constructor(duplex: Duplex, head: Buffer) {
		this.#duplex = duplex;
		const socket = duplex as Partial<Socket>;
		socket.setTimeout?.(0);
		socket.setNoDelay?.();
		(duplex as Owned)[owner] = this;
		if (head.byteLength > 0) duplex.unshift(head);
		duplex.on("close", onClose);
		duplex.on("data", onData);
		duplex.on("end", onEnd);
		duplex.on("error", onError);
	}

	get waitingBytes(): number {
		return this.#duplex.writableLength;
	}

	get needsDrain(): boolean {
		return this.#duplex.writableNeedDrain;
	}

	get receivedBytes(): number {
		return (this.#duplex as Partial<Socket>).bytesRead ?? 0;
	}

	get sentBytes(): number {
		return (this.#duplex as Partial<Socket>).bytesWritten ?? 0;
	}

	write(bytes: Uint8Array): void {
		// It would be destroyed for that, with what waits.
		if (!this.#duplex.writableEnded) this.#duplex.write(bytes);
	}

	cork(): void {
		// What waits would not leave.
		if (!this.#duplex.writableEnded) this.#duplex.cork();
	}

	uncork(): void {
		this.#duplex.uncork();
	}

	onceDrained(listener: () => void): void {
		const duplex = this.#duplex;
		if (duplex.writableLength === 0) setImmediate(listener);
		else if (duplex.writableEnded) duplex.once("finish", listener);
		// Of little that waits, and of what does when it is ended, Node.js emits no `drain`.
		else duplex.write(nothing, (error) => (error ? undefined : this.#written(listener)));
	}

	/** What had been waiting has left. */
	#written(listener: () => void): void {
		if (this.#duplex.writableLength === 0) listener();
		else this.onceDrained(listener);
	}

	pause(): void {
		this.#duplex.pause();
	}

	resume(): void {
		this.#duplex.resume();
	}

	end(): void {
		this.#duplex.end();
	}

	destroy(): void {
		this.#duplex.destroy();
	}
}

const nothing = new Uint8Array(0);

/** Whose a stream is. The listeners are made once: for each connection anew, they would be the half of what it takes. */
const owner = Symbol("client stream");

interface Owned {
	[owner]?: DuplexStream;
}

function onClose(this: object): void {
	(this as Owned)[owner]?.handlers?.gone();
}

function onData(this: object, chunk: Buffer): void {
	(this as Owned)[owner]?.handlers?.read(chunk);
}

function onEnd(this: object): void {
	(this as Owned)[owner]?.handlers?.ended();
}

/** What is wrong with a stream ends it, and `close` follows. */
function onError(): void {}
