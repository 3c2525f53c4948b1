import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import { eventually } from "./eventually.ts";
import { type HandSocket, type HandSocketOptions, openHandSocket } from "./hand-socket.ts";
import {
	authenticationFrame,
	messageFrame,
	syncStep1Frame,
	syncStep2Frame,
	updateFrame,
} from "./wire-frames.ts";

const messageType = { sync: 0, awareness: 1, authentication: 2, syncStatus: 8 } as const;
const syncTypeStep1 = 0;

/** A client that does what a provider does, but sends only when the test says so. */
export class HandClient {
	readonly address: string;
	readonly document = new Y.Doc();
	readonly awareness = new Awareness(this.document);
	readonly socket: HandSocket;
	/** Positive acknowledgements and refusals that it got. */
	acknowledgements = 0;
	refusals = 0;
	isLetIn = false;
	/** `SyncStep2` that it got. */
	answers = 0;
	/** Updates that it got, other than in answers, in order. */
	readonly received: Uint8Array[] = [];
	readonly receivedPresence: Uint8Array[] = [];
	/** What it will send with the next {@link send}, in order. */
	readonly outbox: Uint8Array[] = [];

	constructor(address: string, options: Omit<HandSocketOptions, "receive"> | HandSocket) {
		this.address = address;
		this.socket =
			"hocuspocus" in options
				? openHandSocket({ ...options, receive: (message) => this.receive(message) })
				: options;
		this.awareness.setLocalState(null);
		this.document.on("update", (update: Uint8Array, origin: unknown) => {
			if (origin !== this) this.outbox.push(updateFrame(address, update));
		});
		this.awareness.on("update", (_change: unknown, origin: unknown) => {
			if (origin === "local") this.outbox.push(this.presenceFrame());
		});
	}

	get text(): Y.Text {
		return this.document.getText("text");
	}

	/** Opens the document and waits until it has it. */
	async open(): Promise<this> {
		this.socket.send(authenticationFrame(this.address));
		await eventually("to be let in", () => this.isLetIn);
		return this.ask();
	}

	/** Asks for what it has not, gives what the server has not, and waits for both. */
	async ask(): Promise<this> {
		const answersBefore = this.answers;
		this.socket.send(syncStep1Frame(this.address, this.document));
		await eventually("an answer", () => this.answers > answersBefore);
		this.send();
		return this;
	}

	/** Sends what it has made, all in this turn. */
	send(): this {
		for (const message of this.outbox.splice(0)) this.socket.send(message);
		return this;
	}

	type(text: string): this {
		this.text.insert(this.text.length, text);
		return this.send();
	}

	presenceFrame(clientIds: readonly number[] = [this.document.clientID]): Uint8Array {
		return messageFrame(this.address, (encoder) => {
			encoding.writeVarUint(encoder, messageType.awareness);
			encoding.writeVarUint8Array(encoder, encodeAwarenessUpdate(this.awareness, [...clientIds]));
		});
	}

	destroy(): void {
		this.socket.hangUp();
		this.awareness.destroy();
		this.document.destroy();
	}

	receive(message: Uint8Array): void {
		const decoder = decoding.createDecoder(message);
		if (decoding.readVarString(decoder) !== this.address) return;
		switch (decoding.readVarUint(decoder)) {
			case messageType.sync:
				this.#receiveSync(decoding.readVarUint(decoder), decoding.readVarUint8Array(decoder));
				return;
			case messageType.awareness: {
				const update = decoding.readVarUint8Array(decoder);
				this.receivedPresence.push(update);
				applyAwarenessUpdate(this.awareness, update, this);
				return;
			}
			case messageType.authentication:
				this.isLetIn = true;
				return;
			case messageType.syncStatus:
				if (decoding.readVarUint(decoder) === 1) this.acknowledgements += 1;
				else this.refusals += 1;
		}
	}

	#receiveSync(type: number, payload: Uint8Array): void {
		if (type === syncTypeStep1) {
			this.outbox.push(syncStep2Frame(this.address, Y.encodeStateAsUpdate(this.document, payload)));
			return;
		}
		if (type === 1) this.answers += 1;
		else this.received.push(payload.slice());
		Y.applyUpdate(this.document, payload, this);
	}
}
