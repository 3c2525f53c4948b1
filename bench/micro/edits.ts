import * as encoding from "lib0/encoding";
import * as Y from "yjs";

/** So many people's Yjs client ids; of four bytes each, as real ones are. */
export function clientIds(count: number): number[] {
	return Array.from({ length: count }, (_, index) => 0x4000_0000 + index * 7919);
}

/**
 * The update in which somebody types one character after the one they typed before (Yjs 13.6, update format V1): one client,
 * one struct, nothing deleted.
 * @param clock 0 for the first one, which stands at the beginning of the root `text`.
 */
export function keystroke(clientId: number, clock: number): Uint8Array {
	return encoding.encode((encoder) => {
		for (const count of [1, 1]) encoding.writeVarUint(encoder, count);
		encoding.writeVarUint(encoder, clientId);
		encoding.writeVarUint(encoder, clock);
		const contentString = 4;
		const hasOrigin = 0x80;
		encoding.writeUint8(encoder, clock === 0 ? contentString : contentString | hasOrigin);
		if (clock === 0) {
			const isRootName = 1;
			encoding.writeVarUint(encoder, isRootName);
			encoding.writeVarString(encoder, "text");
		} else {
			encoding.writeVarUint(encoder, clientId);
			encoding.writeVarUint(encoder, clock - 1);
		}
		encoding.writeVarString(encoder, "x");
		encoding.writeVarUint(encoder, 0);
	});
}

/** People who type in a document, each of whom has typed something in it already. */
export class Typing {
	readonly document: Y.Doc;
	readonly #writers: { readonly clientId: number; clock: number }[];
	#next = 0;

	constructor(writers: number, document = new Y.Doc()) {
		this.document = document;
		this.#writers = clientIds(writers).map((clientId) => ({ clientId, clock: 0 }));
		document.transact(() => {
			for (const update of this.updates(writers)) Y.applyUpdate(document, update);
		});
	}

	/** The next keystroke of each of so many people, who take turns. */
	updates(count: number): Uint8Array[] {
		return Array.from({ length: count }, () => {
			const writer = this.#writers[this.#next % this.#writers.length];
			if (writer === undefined) throw new Error("nobody types");
			this.#next += 1;
			writer.clock += 1;
			return keystroke(writer.clientId, writer.clock - 1);
		});
	}
}
