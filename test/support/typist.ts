import * as Y from "yjs";
import type { StoredDocument } from "../../extensions/durability/store.ts";
import type { Random } from "./random.ts";

/** Somebody who edits one text, each edit as the update it makes. */
export class Typist {
	readonly document: Y.Doc;
	readonly #text: Y.Text;

	constructor(options: { readonly gc?: boolean; readonly clientId?: number } = {}) {
		this.document = new Y.Doc({ gc: options.gc ?? true });
		if (options.clientId !== undefined) this.document.clientID = options.clientId;
		this.#text = this.document.getText("text");
	}

	get text(): string {
		return this.#text.toString();
	}

	/** Writes at the end. */
	type(text: string): Uint8Array {
		return this.#edit(() => this.#text.insert(this.#text.length, text));
	}

	erase(from: number, length: number): Uint8Array {
		return this.#edit(() => this.#text.delete(from, length));
	}

	/** Writes or erases somewhere. */
	any(random: Random): Uint8Array {
		if (this.#text.length > 0 && random.chance(0.3)) {
			return this.erase(random.below(this.#text.length), 1);
		}
		const at = random.below(this.#text.length + 1);
		const word = random.chance(0.02) ? "long ".repeat(2000) : String.fromCharCode(97 + random.below(26));
		return this.#edit(() => this.#text.insert(at, word));
	}

	#edit(change: () => void): Uint8Array {
		let made: Uint8Array | undefined;
		const listen = (update: Uint8Array) => {
			made = update;
		};
		this.document.on("update", listen);
		change();
		this.document.off("update", listen);
		if (made === undefined) throw new Error("the edit changed nothing");
		return made;
	}
}

/** The text that a stored document says. */
export function stateOf({ snapshot, entries }: StoredDocument): string {
	const document = new Y.Doc();
	if (snapshot !== undefined) Y.applyUpdate(document, snapshot.update);
	for (const { updates } of entries) for (const update of updates) Y.applyUpdate(document, update);
	return document.getText("text").toString();
}
