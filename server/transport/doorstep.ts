import type { ClientStream } from "./client-stream.ts";
import type { TcpHandle } from "./tcp-handle.ts";
import { type CountingServer, streamOn } from "./tcp-stream.ts";
import type { Ends } from "./upgrade-request.ts";

/** What a refusal needs of a socket: Node.js' do, too. */
export interface Refusable {
	on(event: "error", listener: () => void): unknown;
	once(event: "finish", listener: () => void): unknown;
	end(text: string): unknown;
	destroy(): unknown;
}

/**
 * A TCP connection that asks for a WebSocket, while it is not known whether it gets one: as much of a `net.Socket` as our `onUpgrade` hooks use. Most
 * become a {@link ClientStream} in the same turn, and nothing of this stays.
 */
export class Doorstep implements Ends, Refusable {
	readonly #handle: TcpHandle;
	readonly #server: CountingServer;
	#stream: ClientStream | undefined;
	#isDestroyed = false;
	#closeListeners: (() => void)[] | undefined;
	#remoteAddress: string | undefined;

	/** @param handle Nothing is read from it. @param server Has counted it. */
	constructor(handle: TcpHandle, server: CountingServer) {
		this.#handle = handle;
		this.#server = server;
	}

	get destroyed(): boolean {
		return this.#isDestroyed;
	}

	/** As of a socket. */
	get readable(): boolean {
		return !this.#isDestroyed;
	}

	/** As of a socket. */
	get writable(): boolean {
		return !this.#isDestroyed;
	}

	get remoteAddress(): string | undefined {
		if (this.#isDestroyed) return undefined;
		this.#remoteAddress ??= addressFrom((into) => this.#handle.getpeername(into));
		return this.#remoteAddress;
	}

	get localAddress(): string | undefined {
		return this.#isDestroyed ? undefined : addressFrom((into) => this.#handle.getsockname(into));
	}

	/** Of `close` only: nothing else that happens here is told. */
	on(event: string, listener: () => void): this {
		return this.once(event, listener);
	}

	once(event: string, listener: () => void): this {
		if (event === "close") {
			this.#closeListeners ??= [];
			this.#closeListeners.push(listener);
		}
		return this;
	}

	/** A last word. Whether the other side reads it or not, nothing is left of the connection then. */
	end(text: string): this {
		if (this.#stream !== undefined || this.#isDestroyed) return this;
		const stream = this.take(nothing);
		stream.handlers = deaf;
		stream.write(Buffer.from(text));
		stream.end();
		stream.onceDrained(() => this.destroy());
		return this;
	}

	destroy(): this {
		if (this.#isDestroyed) return this;
		this.#isDestroyed = true;
		if (this.#stream !== undefined) this.#stream.destroy();
		else this.take(nothing).destroy();
		return this;
	}

	/**
	 * What a WebSocket goes over. Nobody else is to use the connection afterwards.
	 * @param head What came with the request already.
	 */
	take(head: Buffer): ClientStream {
		const listeners = this.#closeListeners;
		const onGone =
			listeners &&
			(() => {
				for (const listener of listeners) listener();
			});
		this.#stream = streamOn(this.#handle, { server: this.#server, head, onGone });
		return this.#stream;
	}
}

const nothing = Buffer.alloc(0);

const deaf = { read() {}, ended() {}, gone() {} };

function addressFrom(ask: (into: { address?: string }) => number): string | undefined {
	const into: { address?: string } = {};
	return ask(into) === 0 ? into.address : undefined;
}
