import { at, sleep } from "./pace.ts";
import { Samples } from "./samples.ts";
import { keystrokesIn, type Script, writeScript } from "./typist.ts";
import { updateFrame, WireClient } from "./wire-client.ts";

export interface LoadOptions {
	/** Where those who type connect. */
	readonly url: string;
	/** Where those who look on connect, if elsewhere. */
	readonly onlookersUrl?: string;
	/** Begins the documents' names; "document" by default. */
	readonly name?: string;
	readonly documents: number;
	/** Clients of each document. The first one types, the others see it. */
	readonly clientsPerDocument: number;
	readonly keystrokesPerSecond: number;
	/** What each document holds at first, as a Yjs update. */
	readonly contents: Uint8Array;
	/** Keystrokes of each typist. */
	readonly keystrokes: number;
}

/** What happened to keystrokes. */
export class LoadFigures {
	acknowledgedAfter = new Samples();
	seenAfter = new Samples();
	sent = 0;
	acknowledged = 0;
	seen = 0;

	/** All of several in one. */
	static of(several: readonly LoadFigures[]): LoadFigures {
		const all = new LoadFigures();
		all.acknowledgedAfter = Samples.of(several.map(({ acknowledgedAfter }) => acknowledgedAfter));
		all.seenAfter = Samples.of(several.map(({ seenAfter }) => seenAfter));
		for (const { sent, acknowledged, seen } of several) {
			all.sent += sent;
			all.acknowledged += acknowledged;
			all.seen += seen;
		}
		return all;
	}
}

const clientId = 7;
const settleDeadlineMs = 20_000;
const connectionsAtOnce = 20;

interface Typing {
	readonly name: string;
	readonly script: Script;
	readonly frames: readonly Uint8Array[];
	readonly typist: WireClient;
	/** When each keystroke was sent, in ms. */
	readonly sentMs: number[];
	acknowledged: number;
}

/** Many documents, in each of which one types at a steady pace and the others look on. */
export class DocumentLoad {
	readonly #options: LoadOptions;
	readonly #typings: Typing[] = [];
	readonly #clients: WireClient[] = [];
	/** Where the figures of keystrokes go that are sent now. */
	#figures = new LoadFigures();
	#next = 0;

	private constructor(options: LoadOptions) {
		this.#options = options;
	}

	/** Opens all documents. */
	static async open(options: LoadOptions, progress: (text: string) => void): Promise<DocumentLoad> {
		const load = new DocumentLoad(options);
		const script = writeScript(options.contents, { clientId, count: options.keystrokes });
		for (let first = 0; first < options.documents; first += connectionsAtOnce) {
			progress(`opening documents, ${first} of ${options.documents}`);
			const some = Math.min(connectionsAtOnce, options.documents - first);
			await Promise.all(Array.from({ length: some }, (_, n) => load.#openDocument(first + n, script)));
		}
		return load;
	}

	get documentNames(): readonly string[] {
		return this.#typings.map(({ name }) => name);
	}

	/** What the text is when all was typed. */
	get text(): string {
		return this.#typings[0]?.script.text ?? "";
	}

	get receivedBytes(): number {
		return this.#clients.reduce((sum, client) => sum + client.receivedBytes, 0);
	}

	/**
	 * Has everybody type the next keystrokes of their script, and waits until everybody has got everything.
	 * @param perSecond Each typist's pace, if it is to be another one.
	 */
	async type(
		keystrokes: number,
		progress: (text: string) => void,
		perSecond = this.#options.keystrokesPerSecond,
	): Promise<LoadFigures> {
		const figures = new LoadFigures();
		this.#figures = figures;
		const { documents, clientsPerDocument } = this.#options;
		const first = this.#next;
		this.#next += keystrokes;
		// Spread evenly, so that the load is steady: one document after the other, round and round.
		const gapMs = 1000 / perSecond / documents;
		const times = Array.from({ length: keystrokes * documents }, (_, n) => n * gapMs);
		await at(times, (n) => {
			this.#press(this.#typings[n % documents], first + Math.floor(n / documents));
			progress(`${n + 1} of ${times.length} edits`);
		});
		const expected = figures.sent * (clientsPerDocument - 1);
		const untilMs = performance.now() + settleDeadlineMs;
		while ((figures.acknowledged < figures.sent || figures.seen < expected) && performance.now() < untilMs) {
			await sleep(20);
		}
		return figures;
	}

	async close(): Promise<void> {
		await Promise.all(this.#clients.map((client) => client.close()));
	}

	#press(typing: Typing | undefined, keystroke: number): void {
		const frame = typing?.frames[keystroke];
		if (typing === undefined || frame === undefined) throw new Error("the script is too short");
		typing.sentMs.push(performance.now());
		this.#figures.sent += 1;
		typing.typist.send(frame);
	}

	async #openDocument(n: number, script: Script): Promise<void> {
		const { url, contents, clientsPerDocument } = this.#options;
		const name = `${this.#options.name ?? "document"} ${n}`;
		const frames = script.keystrokes.map((update) => updateFrame(name, update));
		const sentMs: number[] = [];
		const typist = await WireClient.open({
			url,
			documentName: name,
			contents,
			onAcknowledged: () => {
				this.#figures.acknowledged += 1;
				this.#figures.acknowledgedAfter.add(performance.now() - (sentMs[typing.acknowledged] ?? 0));
				typing.acknowledged += 1;
			},
		});
		const typing: Typing = { name, script, frames, typist, sentMs, acknowledged: 0 };
		const others = Array.from({ length: clientsPerDocument - 1 }, () => this.#openOnlooker(typing));
		this.#typings[n] = typing;
		this.#clients.push(typist, ...(await Promise.all(others)));
	}

	#openOnlooker({ name, sentMs }: Typing): Promise<WireClient> {
		let seen = 0;
		const { url, onlookersUrl = url } = this.#options;
		return WireClient.open({
			url: onlookersUrl,
			documentName: name,
			onUpdate: (update) => {
				const nowMs = performance.now();
				// One message may hold several keystrokes.
				for (const upTo = keystrokesIn(update, clientId); seen < upTo; seen += 1) {
					this.#figures.seen += 1;
					this.#figures.seenAfter.add(nowMs - (sentMs[seen] ?? 0));
				}
			},
		});
	}
}
