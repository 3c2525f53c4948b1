/** What is known of another node. */
interface HeardNode {
	heardMs: number;
	beat: number | undefined;
}

/** Who else is in the cluster, by what they say. Pure: times come from outside. */
export class NodesHeard {
	readonly #nodes = new Map<string, HeardNode>();

	get size(): number {
		return this.#nodes.size;
	}

	get identifiers(): string[] {
		return [...this.#nodes.keys()];
	}

	/** Anything came from the node. @returns Whether it was not known. */
	heard(identifier: string, nowMs: number): boolean {
		const node = this.#nodes.get(identifier);
		if (node !== undefined) {
			node.heardMs = nowMs;
			return false;
		}
		this.#nodes.set(identifier, { heardMs: nowMs, beat: undefined });
		return true;
	}

	/** A heartbeat came. @returns Whether some before it did not. */
	beat(identifier: string, beat: number): boolean {
		const node = this.#nodes.get(identifier);
		if (node === undefined) return false;
		const isGap = node.beat !== undefined && beat > node.beat + 1;
		node.beat = beat;
		return isGap;
	}

	/** Takes out those that said nothing since. */
	takeSilentSince(sinceMs: number): string[] {
		const silent = [...this.#nodes]
			.filter(([, { heardMs }]) => heardMs < sinceMs)
			.map(([identifier]) => identifier);
		for (const identifier of silent) this.#nodes.delete(identifier);
		return silent;
	}

	forget(identifier: string): boolean {
		return this.#nodes.delete(identifier);
	}

	/** We were not listening for a while: nobody is silent yet. */
	excuse(nowMs: number): void {
		for (const node of this.#nodes.values()) node.heardMs = nowMs;
	}
}
