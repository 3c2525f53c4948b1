/** What is found by its address. */
interface Addressed {
	readonly address: string;
}

/** Few things, by their addresses. Most clients have one document: a map would take as much as all else that is kept of it. */
export class ByAddress<Item extends Addressed> {
	#items: Item | Map<string, Item> | undefined;

	get(address: string): Item | undefined {
		const items = this.#items;
		if (items instanceof Map) return items.get(address);
		return items?.address === address ? items : undefined;
	}

	/** In place of what has the same address. */
	add(item: Item): void {
		const items = this.#items;
		if (items instanceof Map) items.set(item.address, item);
		else if (items === undefined || items.address === item.address) this.#items = item;
		else
			this.#items = new Map([
				[items.address, items],
				[item.address, item],
			]);
	}

	/** Unless something else has its address by now. */
	delete(item: Item): void {
		if (this.get(item.address) !== item) return;
		if (this.#items instanceof Map) this.#items.delete(item.address);
		else this.#items = undefined;
	}

	/** Each of them, whatever becomes of the others meanwhile. */
	each(visit: (item: Item) => void): void {
		const items = this.#items;
		if (items instanceof Map) for (const item of items.values()) visit(item);
		else if (items !== undefined) visit(items);
	}

	sum(of: (item: Item) => number): number {
		let sum = 0;
		this.each((item) => (sum += of(item)));
		return sum;
	}
}
