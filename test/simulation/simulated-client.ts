import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import {
	Awareness,
	applyAwarenessUpdate,
	encodeAwarenessUpdate,
	removeAwarenessStates,
} from "y-protocols/awareness";
import { readSyncMessage, writeSyncStep1, writeUpdate } from "y-protocols/sync";
import * as Y from "yjs";
import { authenticationFrame } from "../support/wire-frames.ts";

/** The end of a connection that a client holds. */
export interface Line {
	/** Frames on their way to the server. */
	readonly toServer: { push(...frames: readonly Uint8Array[]): void };
	/** The client hangs up. */
	hangUp(): void;
}

const type = {
	sync: 0,
	awareness: 1,
	auth: 2,
	queryAwareness: 3,
	syncReply: 4,
	close: 7,
	syncStatus: 8,
} as const;

interface AwarenessChange {
	readonly added: readonly number[];
	readonly updated: readonly number[];
	readonly removed: readonly number[];
}

/**
 * `@hocuspocus/provider` 4.8 without its timers and its socket: the same messages in the same order, and the same
 * way of counting what is not saved, with its peculiarities.
 */
export class SimulatedClient {
	readonly name: string;
	readonly documentName: string;
	readonly document = new Y.Doc();
	/** Who is there, if that is part of the simulation. */
	readonly awareness: Awareness | undefined;
	line: Line | undefined;
	unsyncedChanges = 0;
	isSynced = false;
	/** Own edits that the client has not been told are saved. */
	ownUpdates: Uint8Array[] = [];
	/** Made while there was no line; sent when the server first answers. */
	#queue: Uint8Array[] = [];
	#heard = false;

	constructor(name: string, documentName: string, clientId: number, { showsPresence = false } = {}) {
		this.name = name;
		this.documentName = documentName;
		this.document.clientID = clientId;
		this.document.on("update", (update: Uint8Array, origin: unknown) => {
			if (origin !== this) this.#made(update);
		});
		if (!showsPresence) return;
		this.awareness = new Awareness(this.document);
		// Nobody takes note of the first state that y-protocols gives it, whose clock is 0.
		this.awareness.setLocalStateField("name", name);
		this.awareness.on("update", ({ added, updated, removed }: AwarenessChange, origin: unknown) => {
			if (origin !== this) this.#send(this.#presenceFrame([...added, ...updated, ...removed]));
		});
	}

	/** What the user is told. */
	get saysSaved(): boolean {
		return this.line !== undefined && this.isSynced && this.unsyncedChanges === 0;
	}

	connect(line: Line): void {
		this.line = line;
		this.#heard = false;
		line.toServer.push(authenticationFrame(this.documentName));
		this.unsyncedChanges = 1;
		line.toServer.push(this.#frame(type.sync, (encoder) => writeSyncStep1(encoder, this.document)));
		if (this.awareness?.getLocalState()) line.toServer.push(this.#presenceFrame([this.document.clientID]));
	}

	/** The tab is closed: nothing is said any more. */
	end(): void {
		this.line = undefined;
		this.awareness?.destroy();
		this.document.destroy();
	}

	/** The line is gone, whoever ended it. */
	disconnected(): void {
		this.line = undefined;
		this.isSynced = false;
		if (this.awareness === undefined) return;
		const others = [...this.awareness.getStates().keys()].filter((id) => id !== this.document.clientID);
		removeAwarenessStates(this.awareness, others, this);
	}

	receive(frame: Uint8Array): void {
		if (!this.#heard) {
			this.#heard = true;
			this.line?.toServer.push(...this.#queue);
			this.#queue = [];
		}
		const decoder = decoding.createDecoder(frame);
		decoding.readVarString(decoder);
		switch (decoding.readVarUint(decoder)) {
			case type.sync:
			case type.syncReply:
				this.#synchronize(decoder);
				break;
			case type.syncStatus:
				if (decoding.readVarInt(decoder) === 1) this.#acknowledged();
				break;
			case type.awareness:
				if (this.awareness !== undefined)
					applyAwarenessUpdate(this.awareness, decoding.readVarUint8Array(decoder), this);
				break;
			case type.queryAwareness:
				if (this.awareness !== undefined)
					this.line?.toServer.push(this.#presenceFrame([...this.awareness.getStates().keys()]));
				break;
			case type.auth:
				// Refused, or let in; without a line to hang up, both are the same.
				if (decoding.readVarUint(decoder) === 1) this.line?.hangUp();
				break;
			case type.close:
				this.line?.hangUp();
				break;
		}
	}

	#synchronize(decoder: decoding.Decoder): void {
		const reply = encoding.createEncoder();
		encoding.writeVarString(reply, this.documentName);
		encoding.writeVarUint(reply, type.sync);
		const headBytes = encoding.length(reply);
		const syncType = readSyncMessage(decoder, reply, this.document, this);
		if (encoding.length(reply) > headBytes) this.line?.toServer.push(encoding.toUint8Array(reply));
		if (syncType === 1) this.isSynced = true;
	}

	#acknowledged(): void {
		if (this.unsyncedChanges > 0) this.unsyncedChanges -= 1;
		if (this.unsyncedChanges === 0) this.isSynced = true;
	}

	#made(update: Uint8Array): void {
		this.ownUpdates.push(update);
		this.unsyncedChanges += 1;
		this.#send(this.#frame(type.sync, (encoder) => writeUpdate(encoder, update)));
	}

	#send(frame: Uint8Array): void {
		if (this.line === undefined) this.#queue.push(frame);
		else this.line.toServer.push(frame);
	}

	#presenceFrame(clientIds: readonly number[]): Uint8Array {
		return this.#frame(type.awareness, (encoder) => {
			if (this.awareness !== undefined)
				encoding.writeVarUint8Array(encoder, encodeAwarenessUpdate(this.awareness, [...clientIds]));
		});
	}

	#frame(messageType: number, write: (encoder: encoding.Encoder) => void): Uint8Array {
		return encoding.encode((encoder) => {
			encoding.writeVarString(encoder, this.documentName);
			encoding.writeVarUint(encoder, messageType);
			write(encoder);
		});
	}
}
