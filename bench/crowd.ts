import { writeTogether } from "./crowd-script.ts";
import { clientIdOf, EditReader } from "./edit-reader.ts";
import { Histogram } from "./histogram.ts";
import { clientFrame } from "./lean-socket.ts";
import { sleep } from "./pace.ts";
import { updateFrame, WireClient } from "./wire-client.ts";

export interface CrowdOptions {
	readonly url: string;
	readonly documentName: string;
	/** What the document holds at first, as a Yjs update. */
	readonly contents: Uint8Array;
	/** Those who type; they receive as well. */
	readonly authors: number;
	/** Those who only look on. */
	readonly readers: number;
	/** What each author can type, over all calls of {@link Crowd.type}. */
	readonly keystrokes: number;
}

/** What happened to keystrokes. */
export interface CrowdFigures {
	readonly sent: number;
	readonly acknowledged: number;
	/** Keystrokes that arrived, summed over all who should have them. */
	readonly delivered: number;
	readonly expected: number;
	/** The server could not keep up, and no more was sent. */
	readonly fellBehind: boolean;
	readonly seenAfter: Histogram;
	readonly acknowledgedAfter: Histogram;
	/** What all clients received. */
	readonly receivedBytes: number;
	readonly receivedFrames: number;
}

interface Counting {
	sent: number;
	acknowledged: number;
	delivered: number;
	readonly seenAfter: Histogram;
	readonly acknowledgedAfter: Histogram;
}

interface Author {
	readonly client: WireClient;
	readonly frames: readonly Uint8Array[];
	/** When each keystroke was sent, in ms. */
	readonly sentMs: Float64Array;
	sent: number;
	acknowledged: number;
}

const connectionsAtOnce = 20;
const tickMs = 1;
/** A server is cut off when this much of what was sent, in seconds of the load, is on its way. */
const behindS = 3;
const settleDeadlineMs = 10_000;

/** Many people in one document. Every delivery to each of them is checked. */
export class Crowd {
	readonly #options: CrowdOptions;
	readonly #scripts: readonly Uint8Array[][];
	readonly #authors: Author[] = [];
	readonly #clients: WireClient[] = [];
	readonly #reader = new EditReader();
	#counting = newCounting();

	private constructor(options: CrowdOptions) {
		this.#options = options;
		this.#scripts = writeTogether(options.contents, options.authors, options.keystrokes);
	}

	static async open(options: CrowdOptions, progress: (text: string) => void): Promise<Crowd> {
		progress("writing what is to be typed");
		const crowd = new Crowd(options);
		const people = options.authors + options.readers;
		// The first one brings the contents.
		await crowd.#join(0);
		for (let first = 1; first < people; first += connectionsAtOnce) {
			progress(`${first} of ${people} have joined`);
			const some = Math.min(connectionsAtOnce, people - first);
			await Promise.all(Array.from({ length: some }, (_, n) => crowd.#join(first + n)));
		}
		return crowd;
	}

	/** How many keystrokes of each author, by Yjs client, were sent over all calls of {@link type}. */
	get clocks(): readonly (readonly [clientId: number, clock: number])[] {
		return this.#authors.map(({ sent }, author) => [clientIdOf(author), sent] as const);
	}

	/**
	 * Has everybody type at a steady pace, one after the other, and waits until everybody has everything.
	 * @param keystrokes Of each author.
	 * @param perSecond Of each author.
	 */
	async type(
		{ keystrokes, perSecond }: { keystrokes: number; perSecond: number },
		progress: (text: string) => void,
	): Promise<CrowdFigures> {
		const counting = newCounting();
		this.#counting = counting;
		const bytesBefore = this.#received();
		const others = this.#clients.length - 1;
		const total = keystrokes * this.#authors.length;
		const totalPerMs = (perSecond * this.#authors.length) / 1000;
		const missingMax = totalPerMs * 1000 * behindS * others;
		const missing = () => counting.sent * others - counting.delivered;
		const startMs = performance.now();
		while (counting.sent < total && missing() <= missingMax) {
			const due = Math.min(total, 1 + Math.floor((performance.now() - startMs) * totalPerMs));
			for (; counting.sent < due; counting.sent += 1) this.#press(counting.sent % this.#authors.length);
			progress(`${counting.sent} of ${total} edits`);
			await sleep(tickMs);
		}
		const untilMs = performance.now() + settleDeadlineMs;
		const isSettled = () => missing() <= 0 && counting.acknowledged >= counting.sent;
		let fellBehind = counting.sent < total;
		while (!fellBehind && !isSettled()) {
			if (performance.now() > untilMs) fellBehind = true;
			await sleep(tickMs);
		}
		const bytesAfter = this.#received();
		return {
			...counting,
			expected: counting.sent * others,
			fellBehind,
			receivedBytes: bytesAfter.bytes - bytesBefore.bytes,
			receivedFrames: bytesAfter.frames - bytesBefore.frames,
		};
	}

	leave(): void {
		for (const client of this.#clients) client.terminate();
	}

	#press(index: number): void {
		const author = this.#authors[index];
		const frame = author?.frames[author.sent];
		if (author === undefined || frame === undefined) throw new Error("the script is too short");
		author.sentMs[author.sent] = performance.now();
		author.sent += 1;
		author.client.write(frame);
	}

	async #join(index: number): Promise<void> {
		const { url, documentName, contents, authors } = this.#options;
		const script = this.#scripts[index];
		const client = await WireClient.open({
			url,
			documentName,
			...(index === 0 && { contents }),
			onUpdate: this.#receiver(index),
			onAcknowledged: () => this.#acknowledge(index),
		});
		this.#clients[index] = client;
		if (script === undefined || index >= authors) return;
		this.#authors[index] = {
			client,
			frames: script.map((update) => clientFrame(updateFrame(documentName, update))),
			sentMs: new Float64Array(script.length),
			sent: 0,
			acknowledged: 0,
		};
	}

	/** Counts what somebody gets of everybody else's keystrokes. */
	#receiver(index: number): (update: Uint8Array) => void {
		const seen = new Int32Array(this.#options.authors);
		return (update) => {
			const nowMs = performance.now();
			const counting = this.#counting;
			for (const { author, from, to } of this.#reader.read(update)) {
				const sentMs = this.#authors[author]?.sentMs;
				if (author === index || sentMs === undefined) continue;
				for (let clock = Math.max(from, seen[author] ?? 0); clock < to; clock += 1) {
					counting.delivered += 1;
					counting.seenAfter.add(nowMs - (sentMs[clock] ?? 0));
				}
				seen[author] = Math.max(seen[author] ?? 0, to);
			}
		};
	}

	#acknowledge(index: number): void {
		const author = this.#authors[index];
		if (author === undefined) return;
		const counting = this.#counting;
		counting.acknowledged += 1;
		counting.acknowledgedAfter.add(performance.now() - (author.sentMs[author.acknowledged] ?? 0));
		author.acknowledged += 1;
	}

	#received(): { bytes: number; frames: number } {
		let bytes = 0;
		let frames = 0;
		for (const client of this.#clients) {
			bytes += client.receivedBytes;
			frames += client.receivedFrames;
		}
		return { bytes, frames };
	}
}

function newCounting(): Counting {
	return {
		sent: 0,
		acknowledged: 0,
		delivered: 0,
		seenAfter: new Histogram(),
		acknowledgedAfter: new Histogram(),
	};
}
