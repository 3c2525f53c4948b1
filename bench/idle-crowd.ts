import * as Y from "yjs";
import { arrive } from "./arrivals.ts";
import { bringDocuments } from "./bring-documents.ts";
import { type VisitFrames, type Visitor, visitFrames } from "./visitor.ts";

export interface IdleCrowdOptions {
	readonly url: string;
	readonly connections: number;
	readonly connectionsPerDocument: number;
	/** What each document holds, as a Yjs update. */
	readonly contents: Uint8Array;
	/** Whether the server sends those away from whom nothing comes but answers to pings. */
	readonly needsSignsOfLife: boolean;
}

const documentsAtOnce = 20;
const openDeadlineMs = 60_000;
/** The stock server wants one within 60 s. */
const signOfLifeIntervalMs = 50_000;
const tickMs = 100;
/** There are only so many ports for each address of this machine. */
const connectionsPerAddress = 10_000;
/** Every so many connections, one keeps what it gets. */
const keptStep = 500;

interface Member {
	readonly visitor: Visitor;
	readonly frames: VisitFrames;
}

/** Many who have a document open and do nothing. */
export class IdleCrowd {
	readonly #options: IdleCrowdOptions;
	readonly #members: Member[] = [];
	readonly #ticking: NodeJS.Timeout | undefined;
	#nextSign = 0;

	constructor(options: IdleCrowdOptions) {
		this.#options = options;
		if (options.needsSignsOfLife) this.#ticking = setInterval(() => this.#tick(), tickMs);
	}

	/** Resolves when all have their documents. */
	async open(progress: (text: string) => void): Promise<void> {
		const { url, connections, connectionsPerDocument, contents } = this.#options;
		const documents = Math.ceil(connections / connectionsPerDocument);
		for (let first = 0; first < documents; first += documentsAtOnce) {
			progress(
				`${this.#members.length.toLocaleString("en")} of ${connections.toLocaleString("en")} connected`,
			);
			const names = Array.from(
				{ length: Math.min(documentsAtOnce, documents - first) },
				(_, n) => `idle ${first + n}`,
			);
			await bringDocuments(url, names, contents);
			await this.#visit(names);
		}
	}

	/** Connections that are there. */
	get held(): number {
		return this.#members.filter(({ visitor }) => !visitor.isClosed).length;
	}

	/** @returns Of those who kept what they got, how many there are and how many have the whole document. */
	completeness(): { kept: number; complete: number } {
		const expected = textOf([this.#options.contents]);
		const kept = this.#members.filter((_, n) => n % keptStep === 0);
		const complete = kept.filter(({ visitor }) => textOf(visitor.updates) === expected);
		return { kept: kept.length, complete: complete.length };
	}

	leave(): void {
		clearInterval(this.#ticking);
		for (const { visitor } of this.#members) visitor.terminate();
	}

	async #visit(names: readonly string[]): Promise<void> {
		const { url, connections, connectionsPerDocument } = this.#options;
		const frames = names.map((name) => visitFrames(name));
		const framesOf = (n: number) => {
			const found = frames[n % frames.length];
			if (found === undefined) throw new Error("nothing to visit");
			return found;
		};
		const before = this.#members.length;
		const { visitors } = await arrive({
			count: Math.min(names.length * connectionsPerDocument, connections - before),
			arrival: (n) => ({
				url,
				frames: framesOf(n),
				localAddress: `127.0.0.${1 + Math.floor((before + n) / connectionsPerAddress)}`,
				keeps: (before + n) % keptStep === 0,
			}),
			deadlineMs: openDeadlineMs,
		});
		for (const [n, visitor] of visitors.entries()) this.#members.push({ visitor, frames: framesOf(n) });
	}

	/** Spread, so that the load is steady. */
	#tick(): void {
		const due = Math.ceil((this.#options.connections * tickMs) / signOfLifeIntervalMs);
		for (let n = 0; n < Math.min(due, this.#members.length); n += 1) {
			const member = this.#members[this.#nextSign % this.#members.length];
			this.#nextSign += 1;
			if (member !== undefined && !member.visitor.isClosed) member.visitor.write(member.frames.signOfLife);
		}
	}
}

function textOf(updates: readonly Uint8Array[]): string {
	const document = new Y.Doc();
	for (const update of updates) Y.applyUpdate(document, update);
	return document.getText("text").toString();
}
