import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ClientStream, StreamHandlers } from "./client-stream.ts";
import {
	endOfFile,
	findTcpBinding,
	type TcpBinding,
	type TcpHandle,
	type WriteOutcome,
} from "./tcp-handle.ts";

/** As `net.Socket` has it: past so many waiting bytes, whoever can should wait. */
const drainBytesMin = 64 * 1024;
/** What is read at a time, in bytes; as in `net.Socket`. */
const readBytesMax = 64 * 1024;

/** What there is of Node.js beneath `net.Socket`, if it is what is known here. */
export const binding = findTcpBinding();

/** Everything is read into it, and copied from there before the next is: most of it is small, and memory for each piece costs more than a copy. */
const incoming = Buffer.allocUnsafeSlow(readBytesMax);

/**
 * What is read in small pieces shares some memory, and not much: somebody may keep a few bytes of it for as long as there is a document (Yjs does so
 * with binary values in objects), and all that they came with.
 */
const sharedBytes = 4 * 1024;
const sharingBytesMax = 512;
let shared = Buffer.allocUnsafeSlow(sharedBytes);
let sharedAt = 0;

/** @returns So many bytes of what was read. */
function copyOf(bytes: number): Buffer {
	if (bytes > sharingBytesMax) {
		const chunk = Buffer.allocUnsafeSlow(bytes);
		incoming.copy(chunk, 0, 0, bytes);
		return chunk;
	}
	if (sharedAt + bytes > sharedBytes) {
		shared = Buffer.allocUnsafeSlow(sharedBytes);
		sharedAt = 0;
	}
	const start = sharedAt;
	sharedAt += bytes;
	incoming.copy(shared, start, 0, bytes);
	return shared.subarray(start, sharedAt);
}

/** What `net.Socket` keeps for itself. */
interface Innards {
	_handle: Owned | null;
	_server?: CountingServer | null;
	_destroy(error: Error | null, done: (error: Error | null) => void): void;
}

/** A `net.Server`, which is closed once all of its connections are gone. */
export interface CountingServer {
	_connections: number;
	_emitCloseIfDrained(): void;
}

/** What a connection brings along. */
interface Origin {
	/** Counts it. */
	readonly server: CountingServer | undefined;
	/** What came already, and is to be read first. */
	readonly head: Buffer;
	readonly onGone: (() => void) | undefined;
}

const owner = Symbol("client stream");

type Owned = TcpHandle & { [owner]?: TcpStream };

/**
 * A TCP connection on libuv's handle, without the streams of `net.Socket` above it: these take two kilobytes for each connection, and time for each
 * read and write.
 */
class TcpStream implements ClientStream {
	readonly #handle: TcpHandle;
	readonly #binding: TcpBinding;
	readonly #server: CountingServer | undefined;
	/** Is told of the end, too. */
	readonly #onGone: (() => void) | undefined;
	handlers: StreamHandlers | undefined;
	/** What came before there was this. */
	#head: Buffer | undefined;
	/** What waits for the write that is going on, or for {@link uncork}. */
	#queue: Uint8Array[] | undefined;
	/** Of the write that is going on, and of the queue. */
	waitingBytes = 0;
	needsDrain = false;
	#whenDrained: (() => void) | undefined;
	#corks = 0;
	#isWriting = false;
	#isPaused = false;
	/** The other side will send nothing more. */
	#hasEnded = false;
	/** Nothing more is to be written. */
	#isEnding = false;
	/** The other side was told so. */
	#isShut = false;
	#isDestroyed = false;
	#receivedBytes = 0;
	#sentBytes = 0;

	constructor(handle: Owned, found: TcpBinding, { server, head, onGone }: Origin) {
		this.#handle = handle;
		this.#binding = found;
		this.#server = server;
		this.#onGone = onGone;
		handle[owner] = this;
		handle.onread = onRead;
		// biome-ignore lint/correctness/useHookAtTopLevel: not one of React's
		handle.useUserBuffer(incoming);
		if (head.byteLength > 0) {
			this.#head = head;
			handle.readStop();
		}
		this.#startReading();
	}

	get receivedBytes(): number {
		return this.#isDestroyed ? this.#receivedBytes : this.#handle.bytesRead;
	}

	get sentBytes(): number {
		return this.#isDestroyed ? this.#sentBytes : this.#handle.bytesWritten;
	}

	write(bytes: Uint8Array): void {
		if (this.#isEnding || this.#isDestroyed) return;
		if (this.#isWriting || this.#corks > 0) {
			this.#queue ??= [];
			this.#queue.push(bytes);
			this.#waitFor(bytes.byteLength);
			return;
		}
		const outcome = this.#binding.write(this.#handle, bytes);
		if (outcome === "taken") return;
		if (outcome === "failed") {
			this.destroy();
			return;
		}
		this.#waitFor(bytes.byteLength);
		this.#goesOn(bytes);
	}

	cork(): void {
		if (!this.#isEnding) this.#corks += 1;
	}

	uncork(): void {
		if (this.#corks === 0) return;
		this.#corks -= 1;
		if (this.#corks === 0 && !this.#isWriting) this.#writeQueue();
	}

	onceDrained(listener: () => void): void {
		if (this.waitingBytes === 0) setImmediate(listener);
		else this.#whenDrained = listener;
	}

	pause(): void {
		if (this.#isPaused || this.#isDestroyed) return;
		this.#isPaused = true;
		this.#handle.readStop();
	}

	resume(): void {
		if (!this.#isPaused || this.#isDestroyed) return;
		this.#isPaused = false;
		this.#startReading();
	}

	end(): void {
		if (this.#isEnding || this.#isDestroyed) return;
		this.#isEnding = true;
		this.#corks = 0;
		if (!this.#isWriting) this.#writeQueue();
	}

	destroy(): void {
		if (this.#isDestroyed) return;
		this.#receivedBytes = this.#handle.bytesRead;
		this.#sentBytes = this.#handle.bytesWritten;
		this.#isDestroyed = true;
		this.#head = undefined;
		this.#queue = undefined;
		this.#whenDrained = undefined;
		this.#handle.close(() => this.#gone());
	}

	/** For the handle. @param bytes So many were read; or a negative error number. */
	read(bytes: number): void {
		if (this.#isDestroyed || bytes === 0) return;
		if (bytes > 0) {
			this.handlers?.read(copyOf(bytes));
		} else if (bytes === endOfFile) {
			this.#hasEnded = true;
			this.handlers?.ended();
			this.#endIfBothHave();
		} else this.destroy();
	}

	/** Those who listen are there now. */
	readHead(): void {
		const head = this.#head;
		if (head === undefined || this.#isPaused) return;
		this.#head = undefined;
		try {
			this.handlers?.read(head);
		} finally {
			if (!this.#isPaused && !this.#isDestroyed) this.#startReading();
		}
	}

	#startReading(): void {
		if (this.#head !== undefined) process.nextTick(readHead, this);
		else if (!this.#hasEnded) this.#handle.readStart();
	}

	#waitFor(bytes: number): void {
		this.waitingBytes += bytes;
		if (this.waitingBytes >= drainBytesMin) this.needsDrain = true;
	}

	/** What waits is being written, all of it. */
	#goesOn(bytes: unknown): void {
		this.#isWriting = true;
		const { waitingBytes } = this;
		this.#binding.afterWrite(bytes, (status) => {
			this.#isWriting = false;
			if (this.#isDestroyed) return;
			if (status < 0) this.destroy();
			else this.#written(waitingBytes);
		});
	}

	#written(bytes: number): void {
		this.waitingBytes -= bytes;
		if (this.#corks === 0) this.#writeQueue();
		else if (this.waitingBytes === 0) this.#drained();
	}

	/** Once nothing is being written. */
	#writeQueue(): void {
		if (this.#isDestroyed) return;
		const queue = this.#queue;
		this.#queue = undefined;
		if (queue !== undefined) {
			const outcome = this.#writeAll(queue);
			if (outcome === "failed") this.destroy();
			if (outcome === "going on") this.#goesOn(queue);
			if (outcome !== "taken") return;
			this.waitingBytes = 0;
		}
		if (this.#isEnding) this.#binding.shutDown(this.#handle, () => this.#shut());
		this.#drained();
	}

	#writeAll(queue: readonly Uint8Array[]): WriteOutcome {
		const [first] = queue;
		return queue.length === 1 && first !== undefined
			? this.#binding.write(this.#handle, first)
			: this.#binding.writeAll(this.#handle, queue);
	}

	#drained(): void {
		this.needsDrain = false;
		const listener = this.#whenDrained;
		this.#whenDrained = undefined;
		listener?.();
	}

	#shut(): void {
		this.#isShut = true;
		this.#endIfBothHave();
	}

	#endIfBothHave(): void {
		if (this.#hasEnded && this.#isShut) this.destroy();
	}

	#gone(): void {
		if (this.#server !== undefined) {
			this.#server._connections -= 1;
			this.#server._emitCloseIfDrained();
		}
		this.handlers?.gone();
		this.#onGone?.();
	}
}

function onRead(this: Owned): void {
	if (binding !== undefined) this[owner]?.read(binding.read());
}

function readHead(stream: TcpStream): void {
	stream.readHead();
}

/** @param handle Nobody else uses it, and it is not read from. There is none without {@link binding}. */
export function streamOn(handle: TcpHandle, origin: Origin): ClientStream {
	if (binding === undefined) throw new Error("a handle without what it is a handle of");
	return new TcpStream(handle, binding, origin);
}

/**
 * Takes a TCP connection from its `net.Socket`, which is of no use afterwards.
 * @param head What came already, and is to be read first.
 * @returns `undefined` when it is another kind of socket, or when somebody else still does something with it.
 */
export function takeTcpStream(socket: Duplex, head: Buffer): ClientStream | undefined {
	if (binding === undefined || !(socket instanceof Socket) || !isUnused(socket)) return undefined;
	const innards = socket as unknown as Innards;
	const { _handle: handle, _server: server } = innards;
	if (handle === null || !binding.isTcp(handle)) return undefined;
	if (server && typeof server._emitCloseIfDrained !== "function") return undefined;
	socket.setTimeout(0);
	socket.setNoDelay();
	innards._handle = null;
	innards._server = null;
	// The socket, which would stay in memory. What else is noted there is others', as the context of an AsyncLocalStorage.
	for (const symbol of Object.getOwnPropertySymbols(handle)) {
		if (Reflect.get(handle, symbol) === socket) Reflect.set(handle, symbol, undefined);
	}
	// Its `close` is for those who wait for it.
	const onGone = socket.listenerCount("close") === 0 ? undefined : () => void socket.destroy();
	const stream = new TcpStream(handle, binding, { server: server ?? undefined, head, onGone });
	// Whoever still ends the socket means the connection; what they write to it is lost, and no reason to end the process.
	innards._destroy = (error, done) => {
		stream.destroy();
		done(error);
		process.nextTick(() => socket.emit("close", error !== null));
	};
	socket.on("error", ignore);
	return stream;
}

function ignore(): void {}

/** Whether all that is written has left, nothing waits to be read, and nobody waits for anything. */
function isUnused(socket: Socket): boolean {
	return (
		!socket.destroyed &&
		socket.readableLength === 0 &&
		socket.writableLength === 0 &&
		// Node.js itself has one left at an `upgrade`.
		socket.listenerCount("end") <= 1 &&
		socket.eventNames().every((name) => quietEvents.has(name))
	);
}

/**
 * What others may listen for: failures, which end this stream in silence; an `end`, of which they would not be told without this stream; and `close`,
 * of which they are.
 */
const quietEvents: ReadonlySet<string | symbol> = new Set(["end", "error", "close"]);
