import type { NodeOverview, NodeView } from "./facts.ts";
import type { NodeCircle } from "./node-circle.ts";
import type { SampleRow } from "./sample-fields.ts";
import { SampleRing } from "./sample-ring.ts";

interface Watched {
	overview: NodeOverview;
	/** Their seconds are those of our clock. */
	readonly samples: SampleRing;
	/** Its newest second by its own clock. */
	lastS: number;
	/** How far our clock is ahead of its. */
	shiftS: number;
	/** Rounds in which it has not answered. */
	silentRounds: number;
}

const roundMs = 2_000;
const secondsKept = 300;
/** Clocks that differ by less are taken for the same: a second is told of a while after it has passed. */
const shiftSMin = 4;
/** Then its figures are those of long ago. */
const silentRoundsMax = 3;

/** Keeps itself told how all nodes are, once every two seconds and only while somebody watches. */
export class NodeWatch {
	readonly #circle: NodeCircle;
	readonly #others = new Map<string, Watched>();
	#watchers = 0;
	#timer: NodeJS.Timeout | undefined;

	constructor(circle: NodeCircle) {
		this.#circle = circle;
	}

	/** @returns Ends it. */
	start(): () => void {
		this.#watchers += 1;
		if (this.#watchers === 1) {
			void this.#askOthers();
			this.#timer = setInterval(() => void this.#askOthers(), roundMs);
			this.#timer.unref();
		}
		let isOver = false;
		return () => {
			if (isOver) return;
			isOver = true;
			this.#watchers -= 1;
			if (this.#watchers === 0) this.close();
		};
	}

	close(): void {
		clearInterval(this.#timer);
		this.#others.clear();
	}

	/** @param after Of each node, the second up to which its samples are known. */
	async views(after: Readonly<Record<string, number>>): Promise<readonly NodeView[]> {
		const here = this.#circle.identifier;
		const [own] = await this.#circle.ask(
			{ type: "pulse", after: { ...after } },
			{ to: { node: here }, deadlineMs: 0 },
		);
		const others = this.#circle.nodes.filter((id) => id !== here);
		return [
			...(own === undefined ? [] : [{ id: here, isHere: true, ...own.answer }]),
			...others.map((id) => this.#view(id, after[id] ?? 0)),
		];
	}

	#view(id: string, afterS: number): NodeView {
		const watched = this.#others.get(id);
		return {
			id,
			isHere: false,
			overview: watched?.overview ?? null,
			samples: watched?.samples.after(afterS) ?? [],
		};
	}

	/** It never rejects. */
	async #askOthers(): Promise<void> {
		const after = Object.fromEntries([...this.#others].map(([id, { lastS }]) => [id, lastS]));
		const answers = await this.#circle.ask(
			{ type: "pulse", after },
			{ to: "others", deadlineMs: roundMs / 2 },
		);
		if (this.#watchers === 0) return;
		for (const watched of this.#others.values()) watched.silentRounds += 1;
		for (const { node, answer } of answers) {
			const watched = this.#others.get(node) ?? {
				overview: answer.overview,
				samples: new SampleRing(secondsKept),
				lastS: 0,
				shiftS: 0,
				silentRounds: 0,
			};
			this.#others.set(node, watched);
			watched.overview = answer.overview;
			watched.silentRounds = 0;
			takeSamples(watched, answer.samples);
		}
		for (const [id, { silentRounds }] of this.#others)
			if (silentRounds > silentRoundsMax) this.#others.delete(id);
	}
}

/** What nodes did at the same time is to be added up, however far their clocks are apart. */
function takeSamples(watched: Watched, samples: readonly SampleRow[]): void {
	const newestS = samples.at(-1)?.[0] ?? undefined;
	if (newestS === undefined) return;
	watched.lastS = newestS;
	const aheadS = Math.round(Date.now() / 1_000) - newestS;
	if (Math.abs(aheadS - watched.shiftS) >= shiftSMin)
		watched.shiftS = Math.abs(aheadS) < shiftSMin ? 0 : aheadS;
	for (const [atS, ...values] of samples) watched.samples.add([(atS ?? 0) + watched.shiftS, ...values]);
}
