import { sleep } from "./pace.ts";
import { Person } from "./person.ts";
import { Samples } from "./samples.ts";

const letters = "the quick brown fox jumps over the lazy dog ";
const keystrokesPerSecond = 5;
const pollMs = 5;

/** A document and the people in it, one of whom types. */
export class Meeting {
	readonly name: string;
	readonly author: Person;
	readonly others: readonly Person[];
	/** When each keystroke was made, in ms. */
	readonly #madeMs: number[] = [];
	#typing: NodeJS.Timeout | undefined;

	private constructor(name: string, author: Person, others: readonly Person[]) {
		this.name = name;
		this.author = author;
		this.others = others;
	}

	/** @param chooseUrls Where each goes with each attempt to connect; the first one is the author's. */
	static async open(name: string, chooseUrls: readonly (() => string)[]): Promise<Meeting> {
		const [author, ...others] = await Promise.all(chooseUrls.map((choose) => Person.open(name, choose)));
		if (author === undefined) throw new Error("nobody types");
		return new Meeting(name, author, others);
	}

	get isTyping(): boolean {
		return this.#typing !== undefined;
	}

	/** Has the author type steadily, connected or not. */
	startTyping(): void {
		this.#typing = setInterval(() => {
			this.#madeMs.push(performance.now());
			this.author.type(letters[this.author.made % letters.length] ?? " ");
		}, 1000 / keystrokesPerSecond);
	}

	stopTyping(): void {
		clearInterval(this.#typing);
		this.#typing = undefined;
	}

	/** Notes when the others get what is typed from now on. @returns Ends it, with the delays in ms. */
	watch(): () => Samples {
		const seenAfter = new Samples();
		const watching = this.others.map((other) => {
			let seen = this.author.made;
			const look = () => {
				for (const upTo = other.has(this.author); seen < upTo; seen += 1)
					seenAfter.add(performance.now() - (this.#madeMs[seen] ?? 0));
			};
			other.document.on("update", look);
			return () => other.document.off("update", look);
		});
		return () => {
			for (const stop of watching) stop();
			return seenAfter;
		};
	}

	/** Resolves when everybody has all that was typed before this call, or after `deadlineMs`. @returns Whether they have. */
	inStep(deadlineMs: number): Promise<boolean> {
		const { made } = this.author;
		return soon(() => this.others.every((other) => other.has(this.author) >= made), deadlineMs);
	}

	/** Resolves when all that was typed before this call is acknowledged, or after `deadlineMs`. @returns Whether it is. */
	saved(deadlineMs: number): Promise<boolean> {
		const { made } = this.author;
		return soon(() => this.author.acknowledged >= made, deadlineMs);
	}

	/** Somebody new looks for the acknowledged edits. @returns How many are missing. */
	async lost(url: string): Promise<number> {
		const reader = await Person.open(this.name, () => url);
		const found = reader.has(this.author);
		reader.leave();
		return Math.max(0, this.author.acknowledged - found);
	}

	leave(): void {
		this.stopTyping();
		for (const person of [this.author, ...this.others]) person.leave();
	}
}

/** @returns Whether it came true before the deadline. */
async function soon(probe: () => boolean, deadlineMs: number): Promise<boolean> {
	const untilMs = performance.now() + deadlineMs;
	while (!probe() && performance.now() < untilMs) await sleep(pollMs);
	return probe();
}
