import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { clientFrame, LeanSocket } from "./lean-socket.ts";

/**
 * `hocuspocus` begins each frame with the document's name, wants a token first, and acknowledges edits. `y-websocket` knows the
 * document by the address that a client connects to, and does nothing of this.
 */
export type Dialect = "hocuspocus" | "y-websocket";

/**
 * A client without a document: it sends updates that were encoded beforehand and hands over those that it gets, so that
 * one process can be hundreds of people. It speaks the protocol of `@hocuspocus/provider` 4.8 and, like it, answers
 * the server's `SyncStep1`: before that our server holds its acknowledgements.
 */
const type = { sync: 0, presence: 1, auth: 2, presenceQuery: 3, syncReply: 4, syncStatus: 8 } as const;
const sync = { step1: 0, step2: 1, update: 2 } as const;
const authToken = 0;
const authenticated = 2;
const emptyUpdate = new Uint8Array([0, 0]);
const emptyStateVector = new Uint8Array([0]);

/**
 * The stock server closes sockets from which nothing has come for a minute. Providers tell it their presence anew from time to
 * time; we ask for that of others, which is answered to us alone, and seldom, so that it weighs nothing.
 */
const keepAliveIntervalMs = 50_000;
const connectDeadlineMs = 60_000;

export interface WireClientOptions {
	readonly url: string;
	readonly documentName: string;
	/** `hocuspocus` by default. */
	readonly dialect?: Dialect;
	/** What this client brings along, as a Yjs update. */
	readonly contents?: Uint8Array;
	/** What this client has already, as a Yjs state vector; nothing by default. */
	readonly stateVector?: Uint8Array;
	/**
	 * Somebody else's edits, as a Yjs update that is valid only until this returns; not called with what the document held
	 * when the client connected.
	 */
	readonly onUpdate?: (update: Uint8Array) => void;
	/** What the document held beyond `stateVector` when the client connected, as a Yjs update. */
	readonly onContents?: (update: Uint8Array) => void;
	/** The server has acknowledged the oldest edit that it had not. */
	readonly onAcknowledged?: () => void;
	/** Presence of others, as an awareness update that is valid only until this returns. */
	readonly onPresence?: (update: Uint8Array) => void;
	/** The socket is closed, whoever did it, and whether or not the client had got as far as {@link WireClient.open}. */
	readonly onClosed?: () => void;
}

export class WireClient {
	readonly #options: WireClientOptions;
	readonly #dialect: Dialect;
	readonly #socket: LeanSocket;
	readonly #closed = Promise.withResolvers<void>();
	readonly #opened = Promise.withResolvers<void>();
	#isSynced = false;
	/** Our `SyncStep2`s that are not acknowledged; each edit comes after them. */
	#step2sUnsaved = 0;
	#isOpen = false;
	#keepAlive: NodeJS.Timeout | undefined;
	#failure: Error | undefined;
	/** Bytes of frames received, without WebSocket headers. */
	receivedBytes = 0;
	/** Frames received. */
	receivedFrames = 0;

	private constructor(options: WireClientOptions) {
		const { url, documentName, dialect = "hocuspocus" } = options;
		this.#options = options;
		this.#dialect = dialect;
		this.#socket = new LeanSocket({
			url: dialect === "hocuspocus" ? url : `${url}/${encodeURIComponent(documentName)}`,
			onOpen: () => this.#begin(),
			onMessage: (message) => this.#receive(message),
			onClosed: (why) => {
				clearInterval(this.#keepAlive);
				this.#failure = new Error(why);
				this.#opened.reject(this.#failure);
				this.#closed.resolve();
				options.onClosed?.();
			},
		});
	}

	/** Resolves when the document was received and what the client brought along is acknowledged. */
	static async open(options: WireClientOptions): Promise<WireClient> {
		const client = new WireClient(options);
		const timer = setTimeout(
			() => client.#opened.reject(new Error(`no handshake in ${connectDeadlineMs} ms`)),
			connectDeadlineMs,
		);
		try {
			await client.#opened.promise;
			return client;
		} catch (error) {
			client.terminate();
			throw error;
		} finally {
			clearTimeout(timer);
		}
	}

	/** @param frame One of {@link updateFrame}. */
	send(frame: Uint8Array): void {
		this.#socket.send(frame);
	}

	/** @param frames Messages as {@link clientFrame} makes them, beforehand. */
	write(frames: Uint8Array): void {
		this.#socket.write(frames);
	}

	/** Ends it at once, without a word. */
	terminate(): void {
		this.#socket.terminate();
	}

	/** @throws when the server has closed the socket before. */
	async close(): Promise<void> {
		if (this.#failure !== undefined) throw this.#failure;
		this.#socket.close();
		await this.#closed.promise;
	}

	#receive(message: Uint8Array): void {
		this.receivedBytes += message.byteLength;
		this.receivedFrames += 1;
		const decoder = decoding.createDecoder(message);
		if (this.#dialect === "hocuspocus") {
			const nameBytes = decoding.readVarUint(decoder);
			decoder.pos += nameBytes;
		}
		const kind = decoding.readVarUint(decoder);
		if (kind === type.sync || kind === type.syncReply) this.#receiveSync(decoder);
		else if (kind === type.syncStatus) this.#acknowledge(decoding.readVarInt(decoder) === 1);
		else if (kind === type.presence) this.#options.onPresence?.(decoding.readVarUint8Array(decoder));
		else if (kind === type.auth) this.#authenticate(decoding.readVarUint(decoder) === authenticated);
	}

	#begin(): void {
		if (this.#dialect === "hocuspocus") this.send(authenticationFrame(this.#options.documentName));
		else this.#sayStep1();
	}

	#authenticate(isAllowed: boolean): void {
		if (!isAllowed) this.#opened.reject(new Error("the server refused the document"));
		else this.#sayStep1();
	}

	#sayStep1(): void {
		const { documentName, stateVector = emptyStateVector } = this.#options;
		this.send(syncFrame(this.#dialect, documentName, sync.step1, stateVector));
	}

	#receiveSync(decoder: decoding.Decoder): void {
		const { documentName, contents = emptyUpdate, onUpdate, onContents } = this.#options;
		const kind = decoding.readVarUint(decoder);
		if (kind === sync.step1) {
			if (this.#dialect === "hocuspocus") this.#step2sUnsaved += 1;
			this.send(syncFrame(this.#dialect, documentName, sync.step2, contents));
		} else if (kind === sync.step2) {
			this.#isSynced = true;
			onContents?.(decoding.readVarUint8Array(decoder).slice());
			if (this.#dialect === "y-websocket") this.#open();
		} else {
			onUpdate?.(decoding.readVarUint8Array(decoder));
		}
	}

	#acknowledge(isSaved: boolean): void {
		if (!isSaved) throw new Error("the server refused an edit");
		if (this.#isOpen) {
			this.#options.onAcknowledged?.();
			return;
		}
		this.#step2sUnsaved -= 1;
		if (!this.#isSynced || this.#step2sUnsaved > 0) return;
		const query = clientFrame(presenceQueryFrame(this.#options.documentName));
		this.#keepAlive = setInterval(() => this.write(query), keepAliveIntervalMs);
		this.#open();
	}

	#open(): void {
		this.#isOpen = true;
		this.#opened.resolve();
	}
}

/** An edit on its way to the server. */
export function updateFrame(
	documentName: string,
	update: Uint8Array,
	dialect: Dialect = "hocuspocus",
): Uint8Array {
	return syncFrame(dialect, documentName, sync.update, update);
}

/** Somebody's presence on its way to the server. @param update An awareness update. */
export function presenceFrame(documentName: string, update: Uint8Array, dialect: Dialect): Uint8Array {
	return encoding.encode((encoder) => {
		writeAddress(encoder, dialect, documentName);
		encoding.writeVarUint(encoder, type.presence);
		encoding.writeVarUint8Array(encoder, update);
	});
}

function syncFrame(dialect: Dialect, documentName: string, kind: number, payload: Uint8Array): Uint8Array {
	return encoding.encode((encoder) => {
		writeAddress(encoder, dialect, documentName);
		encoding.writeVarUint(encoder, type.sync);
		encoding.writeVarUint(encoder, kind);
		encoding.writeVarUint8Array(encoder, payload);
	});
}

function writeAddress(encoder: encoding.Encoder, dialect: Dialect, documentName: string): void {
	if (dialect === "hocuspocus") encoding.writeVarString(encoder, documentName);
}

function authenticationFrame(documentName: string): Uint8Array {
	return encoding.encode((encoder) => {
		encoding.writeVarString(encoder, documentName);
		encoding.writeVarUint(encoder, type.auth);
		encoding.writeVarUint(encoder, authToken);
		encoding.writeVarString(encoder, "");
	});
}

function presenceQueryFrame(documentName: string): Uint8Array {
	return encoding.encode((encoder) => {
		encoding.writeVarString(encoder, documentName);
		encoding.writeVarUint(encoder, type.presenceQuery);
	});
}
