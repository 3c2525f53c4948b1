import * as encoding from "lib0/encoding";
import * as Y from "yjs";
import { sleep } from "./pace.ts";
import { keystrokesIn, type Script } from "./typist.ts";
import { updateFrame, WireClient } from "./wire-client.ts";

/** As `@hocuspocus/provider` does by default: a second after a loss, then up to twice as long with each failure. */
const reconnectDelayMs = 1_000;
const reconnectDelayMsMax = 30_000;

export interface LastingClientOptions {
	readonly url: string;
	readonly documentName: string;
	/** What the document's typist types. */
	readonly script: Script;
	/** Whether this is the typist, who brings the contents along. */
	readonly types: boolean;
	/** The connection was lost. */
	readonly onLost?: () => void;
	/** Connected again: has all that the server has, and nothing of its own is unsaved. */
	readonly onBack?: () => void;
}

/** A {@link WireClient} that connects again when its connection is lost, with what it has and what was not acknowledged. */
export class LastingClient {
	readonly #options: LastingClientOptions;
	readonly #contentsVector: ReadonlyMap<number, number>;
	#client: WireClient | undefined;
	/** Keystrokes of the typist that this client has. */
	#seen = 0;
	/** For the typist: those that are saved. */
	#acknowledged = 0;
	#hasLeft = false;

	private constructor(options: LastingClientOptions) {
		this.#options = options;
		this.#contentsVector = Y.decodeStateVector(Y.encodeStateVectorFromUpdate(options.script.contents));
	}

	static async open(options: LastingClientOptions): Promise<LastingClient> {
		const lasting = new LastingClient(options);
		await lasting.#connect(options.types ? options.script.contents : undefined, new Uint8Array([0]));
		return lasting;
	}

	/** Keystrokes of the typist that this client has. */
	get seen(): number {
		return this.#seen;
	}

	/** Types the next keystroke of the script; it is sent later if there is no connection. */
	type(): void {
		const { documentName, script } = this.#options;
		const keystroke = script.keystrokes[this.#seen];
		if (keystroke === undefined) throw new Error("the script is too short");
		this.#seen += 1;
		this.#client?.send(updateFrame(documentName, keystroke));
	}

	leave(): void {
		this.#hasLeft = true;
		this.#client?.terminate();
	}

	async #connect(contents: Uint8Array | undefined, stateVector: Uint8Array): Promise<void> {
		const { url, documentName, script } = this.#options;
		const sent = this.#seen;
		let isOpen = false;
		const client = await WireClient.open({
			url,
			documentName,
			stateVector,
			...(contents && { contents }),
			onContents: (update) => this.#receive(update),
			onUpdate: (update) => this.#receive(update),
			onAcknowledged: () => (this.#acknowledged += 1),
			onClosed: () => {
				if (isOpen) this.#lost();
			},
		});
		isOpen = true;
		this.#client = client;
		this.#acknowledged = sent;
		// What was typed meanwhile.
		if (!this.#options.types) return;
		for (const keystroke of script.keystrokes.slice(sent, this.#seen))
			client.send(updateFrame(documentName, keystroke));
	}

	#lost(): void {
		this.#client = undefined;
		if (this.#hasLeft) return;
		this.#options.onLost?.();
		// It catches whatever can go wrong.
		void this.#reconnect();
	}

	async #reconnect(): Promise<void> {
		let delayMs = reconnectDelayMs;
		await sleep(delayMs);
		while (!this.#hasLeft) {
			try {
				await this.#connect(this.#unsaved(), this.#stateVector());
				this.#options.onBack?.();
				return;
			} catch {
				delayMs = Math.min(delayMs * 2, reconnectDelayMsMax);
				await sleep(reconnectDelayMs + Math.random() * (delayMs - reconnectDelayMs));
			}
		}
	}

	#receive(update: Uint8Array): void {
		this.#seen = Math.max(this.#seen, keystrokesIn(update, this.#options.script.clientId));
	}

	#unsaved(): Uint8Array | undefined {
		const { types, script } = this.#options;
		const unsaved = script.keystrokes.slice(this.#acknowledged, this.#seen);
		return types && unsaved.length > 0 ? Y.mergeUpdates(unsaved) : undefined;
	}

	#stateVector(): Uint8Array {
		const vector = new Map(this.#contentsVector).set(this.#options.script.clientId, this.#seen);
		return encoding.encode((encoder) => {
			encoding.writeVarUint(encoder, vector.size);
			for (const [clientId, clock] of vector) {
				encoding.writeVarUint(encoder, clientId);
				encoding.writeVarUint(encoder, clock);
			}
		});
	}
}
