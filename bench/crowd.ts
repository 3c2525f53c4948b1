import { Histogram } from "./histogram.ts";
import { clientFrame } from "./lean-socket.ts";
import { sleep } from "./pace.ts";
import type { Play } from "./play.ts";
import { type Dialect, WireClient } from "./wire-client.ts";

export interface CrowdOptions {
	readonly url: string;
	readonly documentName: string;
	/** What the document holds at first, as a Yjs update. */
	readonly contents: Uint8Array;
	readonly dialect: Dialect;
	/** What each of those says who say something; they receive as well. */
	readonly play: Play;
	/** Those who only look on. */
	readonly readers: number;
}

/** What happened to what was said: to edits, or to states of presence. */
export interface CrowdFigures {
	readonly sent: number;
	readonly acknowledged: number;
	/** What arrived, summed over all who should have it; a state of presence also when a newer one arrived in its place. */
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
	/** Of those sent, how many can be told from the one before. */
	visible: number;
	acknowledged: number;
	delivered: number;
	readonly seenAfter: Histogram;
	readonly acknowledgedAfter: Histogram;
}

interface Author {
	readonly client: WireClient;
	readonly frames: readonly Uint8Array[];
	readonly clocks: readonly number[];
	/** For each clock, the message that leads to the next one; -1 for those within a message. */
	readonly messageAt: Int32Array;
	/** When each was sent, in ms. */
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
	readonly #authors: Author[] = [];
	readonly #clients: WireClient[] = [];
	#counting = newCounting();
	/** Messages sent, over all calls of {@link perform}. */
	#turn = 0;

	private constructor(options: CrowdOptions) {
		this.#options = options;
	}

	static async open(options: CrowdOptions, progress: (text: string) => void): Promise<Crowd> {
		const crowd = new Crowd(options);
		const people = options.play.parts.length + options.readers;
		// The first one brings the contents.
		await crowd.#join(0);
		for (let first = 1; first < people; first += connectionsAtOnce) {
			progress(`${first} of ${people} have joined`);
			const some = Math.min(connectionsAtOnce, people - first);
			await Promise.all(Array.from({ length: some }, (_, n) => crowd.#join(first + n)));
		}
		return crowd;
	}

	/** The clock that each author has come to. */
	get clocks(): readonly number[] {
		return this.#authors.map(({ clocks, sent }) => clocks[sent - 1] ?? 0);
	}

	/**
	 * Has everybody say what comes next at a steady pace, one after the other, and waits until everybody has everything.
	 * @param count Of all together.
	 * @param perSecond Of all together.
	 */
	async perform(
		{ count, perSecond }: { count: number; perSecond: number },
		progress: (text: string) => void,
	): Promise<CrowdFigures> {
		const counting = newCounting();
		this.#counting = counting;
		const bytesBefore = this.#received();
		const others = this.#clients.length - 1;
		const missingMax = perSecond * behindS * others;
		const missing = () => counting.visible * others - counting.delivered;
		const startMs = performance.now();
		while (counting.sent < count && missing() <= missingMax) {
			const due = Math.min(count, 1 + Math.floor(((performance.now() - startMs) / 1000) * perSecond));
			while (counting.sent < due) this.#sayNext(counting);
			progress(`${counting.sent} of ${count}`);
			await sleep(tickMs);
		}
		const untilMs = performance.now() + settleDeadlineMs;
		const toAcknowledge = this.#isAcknowledged ? counting.sent : 0;
		const isSettled = () => missing() <= 0 && counting.acknowledged >= toAcknowledge;
		let fellBehind = counting.sent < count;
		while (!fellBehind && !isSettled()) {
			if (performance.now() > untilMs) fellBehind = true;
			await sleep(tickMs);
		}
		const bytesAfter = this.#received();
		return {
			...counting,
			expected: counting.visible * others,
			fellBehind,
			receivedBytes: bytesAfter.bytes - bytesBefore.bytes,
			receivedFrames: bytesAfter.frames - bytesBefore.frames,
		};
	}

	get #isAcknowledged(): boolean {
		return this.#options.play.isAcknowledged && this.#options.dialect === "hocuspocus";
	}

	leave(): void {
		for (const client of this.#clients) client.terminate();
	}

	#sayNext(counting: Counting): void {
		const { order } = this.#options.play;
		const index = order === undefined ? this.#turn % this.#authors.length : order[this.#turn];
		const author = this.#authors[index ?? -1];
		const frame = author?.frames[author.sent];
		if (author === undefined || frame === undefined) throw new Error("there is nothing more to say");
		this.#turn += 1;
		counting.sent += 1;
		if (author.clocks[author.sent] !== (author.clocks[author.sent - 1] ?? 0)) counting.visible += 1;
		author.sentMs[author.sent] = performance.now();
		author.sent += 1;
		author.client.write(frame);
	}

	async #join(index: number): Promise<void> {
		const { url, documentName, dialect, contents, play } = this.#options;
		const client = await WireClient.open({
			url,
			documentName,
			dialect,
			...(index === 0 && { contents }),
			[play.kind === "edits" ? "onUpdate" : "onPresence"]: this.#receiver(index),
			onAcknowledged: () => this.#acknowledge(index),
		});
		this.#clients[index] = client;
		const messages = play.parts[index];
		const clocks = play.clocks[index];
		if (messages === undefined || clocks === undefined) return;
		this.#authors[index] = {
			client,
			clocks,
			messageAt: messagesByClock(clocks),
			frames: messages.map((message) => clientFrame(message)),
			sentMs: new Float64Array(messages.length),
			sent: 0,
			acknowledged: 0,
		};
	}

	/** Counts what somebody gets of all that the others say. */
	#receiver(index: number): (update: Uint8Array) => void {
		const { play } = this.#options;
		const seen = new Int32Array(play.parts.length);
		return (update) => {
			const nowMs = performance.now();
			const counting = this.#counting;
			for (const { author, from, to } of play.read(update)) {
				const sender = this.#authors[author];
				if (author === index || sender === undefined) continue;
				for (let clock = Math.max(from, seen[author] ?? 0); clock < to; clock += 1) {
					const message = sender.messageAt[clock] ?? -1;
					if (message < 0) continue;
					counting.delivered += 1;
					counting.seenAfter.add(nowMs - (sender.sentMs[message] ?? 0));
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
		visible: 0,
		acknowledged: 0,
		delivered: 0,
		seenAfter: new Histogram(),
		acknowledgedAfter: new Histogram(),
	};
}

function messagesByClock(clocks: readonly number[]): Int32Array {
	const messageAt = new Int32Array(clocks.at(-1) ?? 0).fill(-1);
	let before = 0;
	for (const [message, clock] of clocks.entries()) {
		if (clock > before) messageAt[clock - 1] = message;
		before = clock;
	}
	return messageAt;
}
