import type { Position } from "./frames.ts";

/** How a message fits what came before it from the same node. */
export type Delivery = "next" | "known" | "gap";

/** Which of each node's updates of one document have arrived. Pure. */
export class Deliveries {
	readonly #heard = new Map<string, Position>();

	/** An update has come. */
	arrived(sender: string, { stay, sequence }: Position): Delivery {
		const before = this.#heard.get(sender);
		if (before !== undefined && stay < before.stay) return "known";
		const last = before !== undefined && before.stay === stay ? before.sequence : 0;
		if (sequence <= last) return "known";
		this.#heard.set(sender, { stay, sequence });
		return sequence === last + 1 ? "next" : "gap";
	}

	/** A node says how far it is. @returns Whether something from it is missing here. */
	lacks(sender: string, { stay, sequence }: Position): boolean {
		const before = this.#heard.get(sender);
		if (before === undefined || stay > before.stay) return sequence > 0;
		return stay === before.stay && sequence > before.sequence;
	}

	/** Everything up to here is in the document, by whatever way it came. */
	settle(sender: string, position: Position): void {
		if (this.lacks(sender, position) || !this.#heard.has(sender)) this.#heard.set(sender, position);
	}

	forget(sender: string): void {
		this.#heard.delete(sender);
	}
}
