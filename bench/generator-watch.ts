const sampleMs = 20;

interface Sample {
	readonly atMs: number;
	readonly cpuMs: number;
}

/** Reads from time to time what this process, which makes the load, uses of its processor. */
export class GeneratorWatch {
	readonly #samples: Sample[] = [];
	readonly #timer = setInterval(() => this.#look(), sampleMs);

	constructor() {
		this.#look();
	}

	end(): void {
		clearInterval(this.#timer);
		this.#look();
	}

	/** @param fromMs On the clock of `performance.now()`. @returns The share of a processor that it used between two moments. */
	cpuShare(fromMs: number, toMs: number): number {
		const within = this.#samples.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs + sampleMs);
		const first = within.at(0);
		const last = within.at(-1);
		if (first === undefined || last === undefined || last.atMs === first.atMs) return Number.NaN;
		return (last.cpuMs - first.cpuMs) / (last.atMs - first.atMs);
	}

	#look(): void {
		const { user, system } = process.cpuUsage();
		this.#samples.push({ atMs: performance.now(), cpuMs: (user + system) / 1000 });
	}
}
