import { onTestFinished } from "vitest";
import { type Client, type ClientOptions, openClient } from "./client.ts";
import type { Random } from "./random.ts";

/** Root array of a document in which everybody writes words that nobody else writes. */
export const wordsName = "words";

export interface ConnectionOptions extends Pick<ClientOptions, "url" | "silenceMsMax" | "reconnectDelayMs"> {
	/** Adds the document to the URL, for balancers that go by it. */
	readonly namesDocument?: boolean;
}

/** Somebody who writes numbered words, and notes which of them the server has acknowledged. */
export class Writer {
	readonly name: string;
	readonly documentName: string;
	readonly client: Client;
	/** Words 1 to this are written. */
	written = 0;
	/** Words 1 to this were acknowledged at some time. */
	acknowledged = 0;

	constructor(name: string, documentName: string, options: ConnectionOptions) {
		this.name = name;
		this.documentName = documentName;
		const { url, namesDocument = false, ...rest } = options;
		const query = namesDocument ? `/?document=${encodeURIComponent(documentName)}` : "";
		this.client = openClient({ ...rest, url: url + query, name: documentName });
		onTestFinished(() => this.client.destroy());
		this.client.provider.on("unsyncedChanges", ({ number }: { number: number }) => {
			if (number === 0 && this.client.provider.isSynced) this.acknowledged = this.written;
		});
	}

	write(): void {
		this.written += 1;
		this.client.document.getArray(wordsName).push([`${this.name}.${this.written}`]);
	}

	words(): string[] {
		return this.client.document.getArray<string>(wordsName).toArray();
	}
}

/** Somebody who has left, and whose memory of what was not acknowledged is gone. */
export interface PastWriter {
	readonly name: string;
	readonly documentName: string;
	readonly written: number;
	readonly acknowledged: number;
}

export interface WritersOptions {
	readonly connection: ConnectionOptions;
	readonly random: Random;
	readonly documentNames: readonly string[];
	readonly perDocument: number;
}

/** People who write in several documents; some leave for good, and others come. */
export class Writers {
	readonly #options: WritersOptions;
	readonly present: Writer[] = [];
	readonly past: PastWriter[] = [];
	#count = 0;

	constructor(options: WritersOptions) {
		this.#options = options;
		for (const documentName of options.documentNames)
			for (let index = 0; index < options.perDocument; index += 1) this.#join(documentName);
	}

	get documentNames(): readonly string[] {
		return this.#options.documentNames;
	}

	get writtenInAll(): number {
		return [...this.present, ...this.past].reduce((sum, { written }) => sum + written, 0);
	}

	get acknowledgedInAll(): number {
		return [...this.present, ...this.past].reduce((sum, { acknowledged }) => sum + acknowledged, 0);
	}

	async synced(): Promise<void> {
		await Promise.all(this.present.map(({ client }) => client.synced()));
	}

	async saved(deadlineMs?: number): Promise<void> {
		await Promise.all(this.present.map(({ client }) => client.saved(deadlineMs)));
	}

	/** Somebody writes so many words, in bursts, over as many turns of the event loop as it takes. */
	async write(words: number): Promise<void> {
		const { random } = this.#options;
		for (let left = words; left > 0; left -= 1) {
			random.pick(this.present).write();
			if (random.chance(0.3)) await new Promise((resolve) => setImmediate(resolve));
		}
	}

	/** Somebody writes now and then, until what was given has settled. */
	async writeDuring<T>(work: Promise<T>): Promise<T> {
		let isOver = false;
		const over = work.finally(() => {
			isOver = true;
		});
		over.catch(() => {});
		while (!isOver) {
			await this.write(this.#options.random.below(4));
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
		return over;
	}

	/** Somebody closes the tab, whatever was acknowledged, and somebody else opens one. */
	replaceOne(): void {
		const index = this.#options.random.below(this.present.length);
		const [leaver] = this.present.splice(index, 1);
		if (leaver === undefined) return;
		const { name, documentName, written, acknowledged } = leaver;
		this.past.push({ name, documentName, written, acknowledged });
		leaver.client.destroy();
		this.#join(documentName);
	}

	/** What was acknowledged up to now. */
	acknowledgements(): readonly PastWriter[] {
		const present = this.present.map(({ name, documentName, written, acknowledged }) => ({
			name,
			documentName,
			written,
			acknowledged,
		}));
		return [...present, ...this.past];
	}

	#join(documentName: string): void {
		this.#count += 1;
		this.present.push(new Writer(`w${this.#count}`, documentName, this.#options.connection));
	}
}
