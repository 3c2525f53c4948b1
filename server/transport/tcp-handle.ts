/** Node.js' object for a TCP connection of libuv (src/stream_base.cc and src/tcp_wrap.cc there): what `net.Socket` is built on. */
export interface TcpHandle {
	/** Called when there is something to {@link TcpBinding.read}; with it, unless it was read into bytes of ours. */
	onread: (bytes?: ArrayBuffer) => void;
	readonly bytesRead: number;
	readonly bytesWritten: number;
	/** Has all that comes read into these bytes, from their beginning. */
	useUserBuffer(bytes: Uint8Array): void;
	readStart(): number;
	readStop(): number;
	/** Writes at once what the system takes. The request stands for the rest, if there is one, and is not touched otherwise. @returns 0, or a negative error number. */
	writeBuffer(request: Request, bytes: Uint8Array): number;
	/** As {@link writeBuffer}, of several. */
	writev(request: Request, bytes: readonly Uint8Array[], areAllBytes: true): number;
	/** Says that nothing more will come once all is written. @returns 0, 1 when that is done already, or a negative error number. */
	shutdown(request: Request): number;
	close(closed: () => void): void;
	setNoDelay(isOn: boolean): void;
	/** @param delaySeconds 0 for the system's own. */
	setKeepAlive(isOn: boolean, delaySeconds: number): void;
	/** @returns 0, or a negative error number. */
	getpeername(into: { address?: string }): number;
	/** As {@link getpeername}. */
	getsockname(into: { address?: string }): number;
}

/** Something that libuv does not do at once. */
interface Request {
	/** Called with 0, or a negative error number. */
	oncomplete: ((status: number) => void) | undefined;
	/** Whatever has to stay in memory until then. */
	bytes: unknown;
}

interface StreamWrap {
	readonly WriteWrap: new () => Request;
	readonly ShutdownWrap: new () => Request;
	readonly streamBaseState: Int32Array;
	readonly kReadBytesOrError: number;
	readonly kArrayBufferOffset: number;
	readonly kLastWriteWasAsync: number;
}

interface TcpWrap {
	readonly TCP: new () => TcpHandle;
}

/** How a write went. */
export type WriteOutcome = "taken" | "going on" | "failed";

/** What is read, by its number: the other side has ended (libuv's `UV_EOF`). */
export const endOfFile = -4095;

/** The part of Node.js beneath `net.Socket`. */
export class TcpBinding {
	readonly #stream: StreamWrap;
	readonly #tcp: TcpWrap;
	/** Most writes are taken at once, and leave it as it is. */
	#spare: Request;

	constructor(stream: StreamWrap, tcp: TcpWrap) {
		this.#stream = stream;
		this.#tcp = tcp;
		this.#spare = new stream.WriteWrap();
	}

	isTcp(handle: object): boolean {
		return handle instanceof this.#tcp.TCP;
	}

	/** Within `onread`. @returns How many bytes were read, or a negative error number. */
	read(): number {
		const { streamBaseState, kReadBytesOrError } = this.#stream;
		return streamBaseState[kReadBytesOrError] ?? 0;
	}

	/** Where what was read begins, within `onread`. */
	readOffset(): number {
		const { streamBaseState, kArrayBufferOffset } = this.#stream;
		return streamBaseState[kArrayBufferOffset] ?? 0;
	}

	/** While no other write of the handle is going on. If this one is, {@link afterWrite} has to be called at once. */
	write(handle: TcpHandle, bytes: Uint8Array): WriteOutcome {
		return this.#outcome(handle.writeBuffer(this.#spare, bytes));
	}

	/** As {@link write}, of several. */
	writeAll(handle: TcpHandle, bytes: readonly Uint8Array[]): WriteOutcome {
		return this.#outcome(handle.writev(this.#spare, bytes, true));
	}

	/** @param bytes Of the last write. @param written Called when it has gone on, with 0 or a negative error number. */
	afterWrite(bytes: unknown, written: (status: number) => void): void {
		const request = this.#spare;
		this.#spare = new this.#stream.WriteWrap();
		request.bytes = bytes;
		request.oncomplete = written;
	}

	/** Ends our side. @param ended Called when the other one was told, or could not be. */
	shutDown(handle: TcpHandle, ended: () => void): void {
		const request = new this.#stream.ShutdownWrap();
		request.oncomplete = ended;
		// What isn't going on won't be told.
		if (handle.shutdown(request) !== 0) ended();
	}

	#outcome(status: number): WriteOutcome {
		if (status !== 0) {
			// It may have been made use of before it failed.
			this.#spare = new this.#stream.WriteWrap();
			return "failed";
		}
		const { streamBaseState, kLastWriteWasAsync } = this.#stream;
		return streamBaseState[kLastWriteWasAsync] === 0 ? "taken" : "going on";
	}
}

/**
 * None of it is documented, though it has been as it is for years: so each part is looked for.
 * @returns `undefined` where one is missing or forbidden (`node --permission`), as in other runtimes than Node.js, and where asking for it
 * may end the process (`node --throw-deprecation --pending-deprecation`).
 */
export function findTcpBinding(): TcpBinding | undefined {
	if (process.throwDeprecation) return undefined;
	try {
		const { binding } = process as unknown as { readonly binding: (name: string) => unknown };
		const tcp = binding("tcp_wrap") as TcpWrap;
		const stream = binding("stream_wrap") as StreamWrap;
		return isKnown(stream, tcp) ? new TcpBinding(stream, tcp) : undefined;
	} catch {
		return undefined;
	}
}

const methods = [
	"useUserBuffer",
	"readStart",
	"readStop",
	"writeBuffer",
	"writev",
	"shutdown",
	"close",
	"setNoDelay",
	"setKeepAlive",
	"getpeername",
	"getsockname",
] as const satisfies readonly (keyof TcpHandle)[];

function isKnown(stream: StreamWrap, { TCP }: TcpWrap): boolean {
	return (
		typeof stream.WriteWrap === "function" &&
		typeof stream.ShutdownWrap === "function" &&
		stream.streamBaseState instanceof Int32Array &&
		Number.isInteger(stream.kReadBytesOrError) &&
		Number.isInteger(stream.kArrayBufferOffset) &&
		Number.isInteger(stream.kLastWriteWasAsync) &&
		methods.every((name) => typeof TCP.prototype[name] === "function") &&
		["bytesRead", "bytesWritten"].every((name) => name in TCP.prototype)
	);
}
