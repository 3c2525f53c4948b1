import type { IncomingHttpHeaders } from "node:http";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { WebSocket } from "ws";
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import { withoutPassword } from "./trial.ts";

/** The protocol of `@hocuspocus/provider` 4.8: each frame is the document's name, a type, and what the type says. */
const type = { sync: 0, presence: 1, auth: 2, syncReply: 4, close: 7, syncStatus: 8 } as const;
const sync = { step1: 0, step2: 1 } as const;
const authKinds = { token: 0, denied: 1, allowed: 2 } as const;
const openDeadlineMs = 15_000;

export interface TrialClientOptions {
	readonly url: URL;
	readonly documentName: string;
	readonly token: string;
	readonly headers?: Readonly<Record<string, string>>;
}

/** How an attempt to open a document ended. */
export type Opening =
	| { readonly status: "open"; readonly client: TrialClient }
	/** No WebSocket: an HTTP answer, or none. */
	| { readonly status: "no-socket"; readonly httpStatus: number | undefined; readonly reason: string }
	/** A WebSocket, and no document. */
	| { readonly status: "denied"; readonly reason: string; readonly facts: SocketFacts }
	| { readonly status: "closed"; readonly closing: Closing; readonly facts: SocketFacts };

/** What the answer to the upgrade request said. */
export interface SocketFacts {
	readonly headers: IncomingHttpHeaders;
	/** What was agreed on, such as `permessage-deflate`. */
	readonly extensions: string;
	/** When the answer came, in ms since 1970, and how long it took. */
	readonly atMs: number;
	readonly tookMs: number;
}

export interface Closing {
	readonly code: number;
	readonly reason: string;
}

/** A client that does what a provider does on one document, and says what has become of it. */
export class TrialClient {
	readonly document = new Y.Doc();
	readonly awareness = new Awareness(this.document);
	readonly #options: TrialClientOptions;
	readonly #socket: WebSocket;
	readonly #opened = Promise.withResolvers<Opening>();
	readonly #listeners = new Set<() => void>();
	#facts: SocketFacts = { headers: {}, extensions: "", atMs: 0, tookMs: 0 };
	#unsaved = 0;
	#isSynced = false;
	/** Our answers to the server's first questions, before which it acknowledges nothing else. */
	#isAnswered = false;
	isReadOnly = false;
	refusals = 0;
	pings = 0;
	/** When something came last, as `performance.now()`. */
	heardMs = performance.now();
	closing: Closing | undefined;

	private constructor(options: TrialClientOptions) {
		this.#options = options;
		const startedMs = performance.now();
		const { url, headers } = withoutPassword(options.url);
		this.#socket = new WebSocket(url, {
			headers: { ...headers, ...options.headers },
			handshakeTimeout: openDeadlineMs,
		});
		this.#socket.on("upgrade", ({ headers }) => {
			this.#facts = { headers, extensions: "", atMs: Date.now(), tookMs: performance.now() - startedMs };
		});
		this.#socket.on("unexpected-response", (request, response) => {
			response.setEncoding("utf8").once("data", (text: string) => {
				this.#fail(response.statusCode, firstLine(text));
				request.destroy();
			});
			response.once("end", () => this.#fail(response.statusCode, response.statusMessage ?? ""));
		});
		this.#socket.on("error", (error) => this.#fail(undefined, reasonOf(error)));
		this.#socket.on("open", () => {
			this.#facts = { ...this.#facts, extensions: this.#socket.extensions };
			this.#authenticate();
		});
		this.#socket.on("message", (data) => this.#take(new Uint8Array(data as Buffer)));
		this.#socket.on("ping", () => {
			this.pings += 1;
			this.#heard();
		});
		this.#socket.on("close", (code, reason) => this.#closed({ code, reason: reason.toString() }));
		this.awareness.setLocalState(null);
		this.document.on("update", (update: Uint8Array, origin: unknown) => {
			if (origin !== this) this.sendUpdate(update);
		});
		this.awareness.on("update", (_change: unknown, origin: unknown) => {
			if (origin === "local") this.#sendPresence();
		});
	}

	/** Resolves when the document is here, or when that can't be. Never rejects. */
	static open(options: TrialClientOptions): Promise<Opening> {
		const client = new TrialClient(options);
		const timer = setTimeout(() => {
			const reason = `no document within ${openDeadlineMs / 1_000} s`;
			client.#opened.resolve({ status: "no-socket", httpStatus: undefined, reason });
			client.end();
		}, openDeadlineMs);
		return client.#opened.promise.finally(() => clearTimeout(timer));
	}

	get facts(): SocketFacts {
		return this.#facts;
	}

	/** Which node it is on, as far as that says so. */
	get node(): string | undefined {
		return headerOf(this.#facts, "x-indelible-node");
	}

	/** Whether everything that it has sent is acknowledged. */
	get isSaved(): boolean {
		return this.#unsaved === 0;
	}

	/**
	 * Waits for something that a message, a ping or a close brings about.
	 * @returns How long it took in ms, or `undefined` when it did not happen in time.
	 */
	async until(happened: () => boolean, deadlineMs: number): Promise<number | undefined> {
		const startedMs = performance.now();
		const { promise, resolve } = Promise.withResolvers<number | undefined>();
		const look = () => {
			if (happened()) resolve(performance.now() - startedMs);
		};
		const timer = setTimeout(() => resolve(undefined), deadlineMs);
		this.#listeners.add(look);
		look();
		try {
			return await promise;
		} finally {
			clearTimeout(timer);
			this.#listeners.delete(look);
		}
	}

	/** Ends it without waiting for the other side. */
	end(): void {
		this.awareness.destroy();
		this.#socket.close();
		// Whoever does not answer that is left alone.
		setTimeout(() => this.#socket.terminate(), 1_000).unref();
	}

	#heard(): void {
		this.heardMs = performance.now();
		this.#changed();
	}

	#changed(): void {
		for (const listener of this.#listeners) listener();
	}

	#fail(httpStatus: number | undefined, reason: string): void {
		this.#opened.resolve({ status: "no-socket", httpStatus, reason });
	}

	#closed(closing: Closing): void {
		this.closing ??= closing;
		this.#opened.resolve({ status: "closed", closing, facts: this.#facts });
		this.#changed();
	}

	#send(kind: number, write: (encoder: encoding.Encoder) => void): void {
		if (this.#socket.readyState !== WebSocket.OPEN) return;
		const encoder = encoding.createEncoder();
		encoding.writeVarString(encoder, this.#options.documentName);
		encoding.writeVarUint(encoder, kind);
		write(encoder);
		this.#socket.send(encoding.toUint8Array(encoder));
	}

	#authenticate(): void {
		this.#send(type.auth, (encoder) => {
			encoding.writeVarUint(encoder, authKinds.token);
			encoding.writeVarString(encoder, this.#options.token);
		});
	}

	/** What its document takes from elsewhere it sends by itself; not what waits in it for something that is missing. */
	sendUpdate(update: Uint8Array): void {
		this.#unsaved += 1;
		this.#send(type.sync, (encoder) => {
			encoding.writeVarUint(encoder, 2);
			encoding.writeVarUint8Array(encoder, update);
		});
	}

	#sendPresence(): void {
		this.#send(type.presence, (encoder) =>
			encoding.writeVarUint8Array(encoder, encodeAwarenessUpdate(this.awareness, [this.document.clientID])),
		);
	}

	#take(message: Uint8Array): void {
		try {
			this.#receive(message);
		} catch {
			this.#closed({ code: 1002, reason: "what came is not the protocol of Hocuspocus" });
			this.#socket.terminate();
		}
	}

	#receive(message: Uint8Array): void {
		const decoder = decoding.createDecoder(message);
		if (decoding.readVarString(decoder) !== this.#options.documentName) return;
		const kind = decoding.readVarUint(decoder);
		if (kind === type.auth) this.#receiveAuth(decoder);
		else if (kind === type.sync || kind === type.syncReply) this.#receiveSync(decoder);
		else if (kind === type.presence)
			applyAwarenessUpdate(this.awareness, decoding.readVarUint8Array(decoder), this);
		else if (kind === type.syncStatus) this.#acknowledge(decoding.readVarUint(decoder) === 1);
		else if (kind === type.close) this.#closed({ code: 4205, reason: decoding.readVarString(decoder) });
		this.#heard();
	}

	#receiveAuth(decoder: decoding.Decoder): void {
		const kind = decoding.readVarUint(decoder);
		const words = decoding.hasContent(decoder) ? decoding.readVarString(decoder) : "";
		if (kind === authKinds.denied) {
			this.#opened.resolve({ status: "denied", reason: words, facts: this.#facts });
			this.end();
		} else if (kind === authKinds.allowed) {
			this.isReadOnly = words === "readonly";
			this.#send(type.sync, (encoder) => {
				encoding.writeVarUint(encoder, sync.step1);
				encoding.writeVarUint8Array(encoder, Y.encodeStateVector(this.document));
			});
		}
	}

	#receiveSync(decoder: decoding.Decoder): void {
		const kind = decoding.readVarUint(decoder);
		const payload = decoding.readVarUint8Array(decoder);
		if (kind === sync.step1) {
			this.#unsaved += 1;
			this.#isAnswered = true;
			this.#send(type.sync, (encoder) => {
				encoding.writeVarUint(encoder, sync.step2);
				encoding.writeVarUint8Array(encoder, Y.encodeStateAsUpdate(this.document, payload));
			});
			this.#look();
			return;
		}
		Y.applyUpdate(this.document, payload, this);
		if (kind === sync.step2) this.#isSynced = true;
		this.#look();
	}

	#acknowledge(isSaved: boolean): void {
		if (isSaved) this.#unsaved = Math.max(0, this.#unsaved - 1);
		else this.refusals += 1;
	}

	#look(): void {
		if (this.#isSynced && this.#isAnswered) this.#opened.resolve({ status: "open", client: this });
	}
}

/** The first value of a header of the answer. */
export function headerOf({ headers }: SocketFacts, name: string): string | undefined {
	const value = headers[name];
	return Array.isArray(value) ? value[0] : value;
}

function firstLine(text: string): string {
	const line = text.split("\n", 1)[0] ?? "";
	// Proxies answer with pages.
	return line.includes("<") ? "" : line.slice(0, 200);
}

/** Node gives several attempts at once an error without a message. */
export function reasonOf(error: unknown): string {
	const { message, code, errors } = error as NodeJS.ErrnoException & { errors?: readonly Error[] };
	return message || (errors?.[0]?.message ?? code ?? "it failed");
}
