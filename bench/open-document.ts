import * as Y from "yjs";
import { sleep } from "./pace.ts";
import { writeScript } from "./typist.ts";
import { updateFrame, WireClient } from "./wire-client.ts";

export interface OpenDocumentOptions {
	readonly url: string;
	readonly documentName: string;
	/** What it holds at first, as a Yjs update of a root `Y.Text` "text"; brought by the one who opens it. */
	readonly contents: Uint8Array;
	/** How much can be typed. */
	readonly keystrokes: number;
}

const typistId = 9;
const acknowledgedDeadlineMs = 30_000;
const pollMs = 2;

/** A document that somebody has open and can type in, and what others must get of it. */
export class OpenDocument {
	readonly #options: OpenDocumentOptions;
	readonly #script: readonly Uint8Array[];
	readonly #reference = new Y.Doc();
	#client: WireClient | undefined;
	#typed = 0;
	#acknowledged = 0;

	private constructor(options: OpenDocumentOptions) {
		const { contents, keystrokes } = options;
		this.#options = options;
		this.#script = writeScript(contents, { clientId: typistId, count: keystrokes }).keystrokes;
		Y.applyUpdate(this.#reference, contents);
	}

	/** Resolves when the contents are acknowledged. */
	static async open(options: OpenDocumentOptions): Promise<OpenDocument> {
		const document = new OpenDocument(options);
		const { url, documentName, contents } = options;
		document.#client = await WireClient.open({
			url,
			documentName,
			contents,
			onAcknowledged: () => (document.#acknowledged += 1),
		});
		return document;
	}

	/** Keystrokes that the server has. */
	get acknowledged(): number {
		return this.#acknowledged;
	}

	/** All of it now, as a Yjs update. */
	contents(): Uint8Array {
		return Y.encodeStateAsUpdate(this.#reference);
	}

	stateVector(): Uint8Array {
		return Y.encodeStateVector(this.#reference);
	}

	/** Types a character. */
	press(): void {
		const keystroke = this.#script[this.#typed];
		if (keystroke === undefined) throw new Error("the script is too short");
		this.#typed += 1;
		this.#client?.send(updateFrame(this.#options.documentName, keystroke));
		Y.applyUpdate(this.#reference, keystroke);
	}

	/** Types, and resolves when the server has it. */
	async type(characters: number): Promise<void> {
		for (let n = 0; n < characters; n += 1) this.press();
		await this.saved();
	}

	/** Resolves when the server has all that was typed. */
	async saved(): Promise<void> {
		const untilMs = performance.now() + acknowledgedDeadlineMs;
		while (this.#acknowledged < this.#typed) {
			if (performance.now() > untilMs)
				throw new Error(`an edit was not acknowledged in ${acknowledgedDeadlineMs} ms`);
			await sleep(pollMs);
		}
	}

	/**
	 * @param updates All that somebody has, as Yjs updates.
	 * @returns Whether that is the whole document as it is now.
	 */
	isIn(updates: readonly Uint8Array[]): boolean {
		const copy = copyOf(updates);
		const isSame = copy.getText("text").toString() === this.#reference.getText("text").toString();
		return isSame && Y.equalSnapshots(Y.snapshot(copy), Y.snapshot(this.#reference));
	}

	/** @returns How many of the typed characters somebody has who has these updates; `NaN` when there is a gap in them. */
	typedIn(updates: readonly Uint8Array[]): number {
		const { store } = copyOf(updates);
		return store.pendingStructs === null ? Y.getState(store, typistId) : Number.NaN;
	}

	leave(): void {
		this.#client?.terminate();
	}
}

function copyOf(updates: readonly Uint8Array[]): Y.Doc {
	const copy = new Y.Doc();
	for (const update of updates) Y.applyUpdate(copy, update);
	return copy;
}
