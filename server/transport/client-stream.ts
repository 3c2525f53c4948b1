import type { Duplex } from "node:stream";
import { Doorstep } from "./doorstep.ts";
import { DuplexStream } from "./duplex-stream.ts";
import { takeTcpStream } from "./tcp-stream.ts";

/** Whoever is told what comes over a stream of bytes. */
export interface StreamHandlers {
	/** The bytes are theirs. */
	read(chunk: Buffer): void;
	/** The other side will send nothing more. */
	ended(): void;
	/** Called once, at the end, whatever it was. */
	gone(): void;
}

/** What a WebSocket is on. Nothing of it throws; what is wrong with it ends it. */
export interface ClientStream {
	/** To be set at once. */
	handlers: StreamHandlers | undefined;
	/** Bytes that were written and that the system has not taken yet. */
	readonly waitingBytes: number;
	/** Whether so much waits that whoever can should wait for {@link onceDrained}. */
	readonly needsDrain: boolean;
	/** What came before the handlers were set included; 0 when it does not count. */
	readonly receivedBytes: number;
	/** As {@link receivedBytes}. */
	readonly sentBytes: number;
	/** The bytes must not be changed afterwards. */
	write(bytes: Uint8Array): void;
	/** What is written waits for {@link uncork}, and leaves in one piece. */
	cork(): void;
	uncork(): void;
	/** Calls back once, when nothing waits any more; not when the stream ends first. For one listener at a time. */
	onceDrained(listener: () => void): void;
	/** Nothing is read, and the other side gets to feel it, until {@link resume}. */
	pause(): void;
	resume(): void;
	/** Nothing more is written. What waits still leaves; once the other side has ended, too, the stream is gone. */
	end(): void;
	/** Ends it at once. */
	destroy(): void;
}

/**
 * @param socket Of an HTTP server's `upgrade` event, or what has come in by the {@link Door}. Is not to be used afterwards.
 * @param head What came with the upgrade request already: it is read first.
 */
export function clientStreamOf(socket: Duplex | Doorstep, head: Buffer): ClientStream {
	if (socket instanceof Doorstep) return socket.take(head);
	return takeTcpStream(socket, head) ?? new DuplexStream(socket, head);
}
