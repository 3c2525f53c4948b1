import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { clientFrame, LeanSocket } from "./lean-socket.ts";

/**
 * Somebody who opens a document, gets what it holds and stays. One process can be thousands of them: all that they send is
 * made once for a document. The protocol is that of `@hocuspocus/provider` 4.8.
 */
const type = { sync: 0, presence: 1, auth: 2, presenceQuery: 3, syncReply: 4, syncStatus: 8 } as const;
const sync = { step1: 0, step2: 1 } as const;
const authToken = 0;
const authenticated = 2;
const emptyUpdate = new Uint8Array([0, 0]);
const emptyStateVector = new Uint8Array([0]);

/** What all visitors of a document send, as WebSocket frames. */
export interface VisitFrames {
	/** Who they are and what they have (SyncStep1), at once as providers do. */
	readonly greeting: Uint8Array;
	/** What the server has not: nothing. */
	readonly nothingNew: Uint8Array;
	/** Asks who is there, which tells the stock server that this client is. */
	readonly signOfLife: Uint8Array;
}

/** @param stateVector What they have already; nothing by default. */
export function visitFrames(documentName: string, stateVector: Uint8Array = emptyStateVector): VisitFrames {
	const authentication = frame(documentName, type.auth, (encoder) => {
		encoding.writeVarUint(encoder, authToken);
		encoding.writeVarString(encoder, "");
	});
	const having = frame(documentName, type.sync, (encoder) => {
		encoding.writeVarUint(encoder, sync.step1);
		encoding.writeVarUint8Array(encoder, stateVector);
	});
	return {
		greeting: Buffer.concat([authentication, having]),
		nothingNew: frame(documentName, type.sync, (encoder) => {
			encoding.writeVarUint(encoder, sync.step2);
			encoding.writeVarUint8Array(encoder, emptyUpdate);
		}),
		signOfLife: frame(documentName, type.presenceQuery, () => {}),
	};
}

/** A presence as a WebSocket frame, such as a provider sends when it is let in. */
export function presenceFrame(
	documentName: string,
	clientId: number,
	clock: number,
	state: string,
): Uint8Array {
	return frame(documentName, type.presence, (encoder) => {
		const update = encoding.encode((inner) => {
			encoding.writeVarUint(inner, 1);
			encoding.writeVarUint(inner, clientId);
			encoding.writeVarUint(inner, clock);
			encoding.writeVarString(inner, state);
		});
		encoding.writeVarUint8Array(encoder, update);
	});
}

export interface VisitorOptions {
	readonly url: string;
	readonly frames: VisitFrames;
	/** Who it shows itself to be, right after the greeting; see {@link presenceFrame}. */
	readonly presence?: Uint8Array;
	/** Keep what arrives, to be compared. */
	readonly keeps?: boolean;
	/** Address of this machine to connect from. */
	readonly localAddress?: string;
	/** The document is here: the server's SyncStep2. */
	readonly onSynced?: () => void;
	/** The server has acknowledged what it got: at first, that there was nothing new. */
	readonly onAcknowledged?: () => void;
	/** The socket is closed, whoever did it, and also when it never opened. @param why For people. */
	readonly onClosed?: (why: string) => void;
}

export class Visitor {
	readonly #options: VisitorOptions;
	readonly #socket: LeanSocket;
	#isSynced = false;
	#isClosed = false;
	/** Bytes of messages, without WebSocket headers. */
	receivedBytes = 0;
	/** The part of them up to the document, that included. */
	syncedBytes = 0;
	/** Yjs updates that arrived, if they are kept, in their order. */
	readonly updates: Uint8Array[] = [];
	/** How many of them had arrived when it said that it is synced. */
	updatesUntilSynced = 0;

	/** Connects. */
	constructor(options: VisitorOptions) {
		this.#options = options;
		this.#socket = new LeanSocket({
			url: options.url,
			...(options.localAddress !== undefined && { localAddress: options.localAddress }),
			onOpen: () => this.#greet(),
			onMessage: (message) => this.#receive(message),
			onClosed: (why) => {
				this.#isClosed = true;
				options.onClosed?.(why);
			},
		});
	}

	get isSynced(): boolean {
		return this.#isSynced;
	}

	get isClosed(): boolean {
		return this.#isClosed;
	}

	/** @param frames Messages as `clientFrame` makes them. */
	write(frames: Uint8Array): void {
		this.#socket.write(frames);
	}

	/** Reads no more, so that all it should get stays with the server. */
	stopReading(): void {
		this.#socket.pause();
	}

	readAgain(): void {
		this.#socket.resume();
	}

	/** Ends it at once, without a word. */
	terminate(): void {
		this.#socket.terminate();
	}

	#receive(message: Uint8Array): void {
		this.receivedBytes += message.byteLength;
		const decoder = decoding.createDecoder(message);
		const nameBytes = decoding.readVarUint(decoder);
		decoder.pos += nameBytes;
		const kind = decoding.readVarUint(decoder);
		if (kind === type.sync || kind === type.syncReply) this.#receiveSync(decoder);
		else if (kind === type.syncStatus) this.#options.onAcknowledged?.();
		else if (kind === type.auth && decoding.readVarUint(decoder) !== authenticated) this.terminate();
	}

	#greet(): void {
		const { frames, presence } = this.#options;
		this.#socket.write(presence === undefined ? frames.greeting : Buffer.concat([frames.greeting, presence]));
	}

	#receiveSync(decoder: decoding.Decoder): void {
		const kind = decoding.readVarUint(decoder);
		if (kind === sync.step1) {
			this.#socket.write(this.#options.frames.nothingNew);
			return;
		}
		if (this.#options.keeps === true) this.updates.push(decoding.readVarUint8Array(decoder).slice());
		if (kind !== sync.step2 || this.#isSynced) return;
		this.#isSynced = true;
		this.syncedBytes = this.receivedBytes;
		this.updatesUntilSynced = this.updates.length;
		this.#options.onSynced?.();
	}
}

function frame(documentName: string, kind: number, write: (encoder: encoding.Encoder) => void): Uint8Array {
	return clientFrame(
		encoding.encode((encoder) => {
			encoding.writeVarString(encoder, documentName);
			encoding.writeVarUint(encoder, kind);
			write(encoder);
		}),
	);
}
