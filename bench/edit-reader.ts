import * as Y from "yjs";

/** Where somebody's keystrokes begin and end in an update, as Yjs clocks. */
export interface Run {
	/** Number of the author. */
	readonly author: number;
	readonly from: number;
	readonly to: number;
}

interface Known {
	readonly bytes: Buffer;
	readonly runs: readonly Run[];
}

/** A server sends most updates to everybody at about the same time; comparing with so many is cheaper than decoding. */
const remembered = 16;
/** Authors' Yjs ids are as long on the wire as those that Yjs draws. */
const firstClientId = 3_000_000_000;
const clientIdStep = 7_919;

export function clientIdOf(author: number): number {
	return firstClientId + author * clientIdStep;
}

/** Says whose keystrokes are in an update. */
export class EditReader {
	readonly #known: Known[] = [];
	#next = 0;

	/** @param update A Yjs update, which may be changed afterwards. */
	read(update: Uint8Array): readonly Run[] {
		for (const { bytes, runs } of this.#known)
			if (bytes.length === update.byteLength && bytes.equals(update)) return runs;
		const runs = runsIn(update);
		this.#known[this.#next] = { bytes: Buffer.from(update), runs };
		this.#next = (this.#next + 1) % remembered;
		return runs;
	}
}

function runsIn(update: Uint8Array): readonly Run[] {
	const { from, to } = Y.parseUpdateMeta(update);
	const runs: Run[] = [];
	for (const [clientId, end] of to) {
		const author = (clientId - firstClientId) / clientIdStep;
		if (author >= 0 && Number.isInteger(author))
			runs.push({ author, from: from.get(clientId) ?? 0, to: end });
	}
	return runs;
}
