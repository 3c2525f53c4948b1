import { ContentType, type Doc, type decodeUpdate, findIndexSS, type ID, Item, Skip } from "yjs";

type Struct = ReturnType<typeof decodeUpdate>["structs"][number];

/**
 * How deep types may be nested in types. Editors' documents have some tens of levels at most. Yjs 13.6 deletes and collects them by
 * recursion: some thousands of levels are more than its stack takes, and its document is beyond use afterwards; and an edit costs it
 * time and memory for each level above.
 */
const levelsMax = 200;
/** Of an update that builds on something that is not here yet. */
const looseLevelsMax = 100;
const looseMax = 64;

/** Watches over how deep the types of one document are nested, so that no client makes more levels than Yjs can bear [TRN5]. */
export class Nesting {
	readonly #document: Doc;
	/** The deepest types of updates that built on something that was not there, the latest of them. */
	#loose: readonly ID[] = [];
	/** Somebody gets at levels that no update shows; what can't be seen is not let in any more. */
	#isTooDeep = false;

	constructor(document: Doc) {
		this.#document = document;
	}

	/** @returns Whether an update that is applied next may be. @param structs All that it holds. */
	admits(structs: readonly Struct[]): boolean {
		const places = new Places(this.#document, structs);
		let deepest: { readonly type: Item; readonly level: number } | undefined;
		for (const type of structs.filter(isOfType)) {
			const level = places.levelOf(type);
			if (level > levelsMax) return false;
			if (deepest === undefined || level > deepest.level) deepest = { type, level };
		}
		if (deepest === undefined || !places.isLoose) return true;
		this.#look();
		if (this.#isTooDeep || deepest.level > looseLevelsMax) return false;
		this.#loose = [...this.#loose.slice(1 - looseMax), deepest.type.id];
		return true;
	}

	/** Where that has come to which was loose. */
	#look(): void {
		this.#loose = this.#loose.filter((id) => {
			const struct = storedAt(this.#document, id);
			if (struct !== undefined && levelInDocument(struct) > levelsMax) this.#isTooDeep = true;
			return struct === undefined;
		});
	}
}

/** Whether an update makes types, which {@link Nesting} is to look at. */
export function makesTypes(structs: readonly Struct[]): boolean {
	return structs.some(isOfType);
}

function isOfType(struct: Struct): struct is Item {
	return struct instanceof Item && struct.content instanceof ContentType;
}

/** What says where an item of an update is, as Yjs reads it: a neighbour, or else the type that it is in. */
interface Surrounding {
	readonly id: ID;
	readonly isAbove: boolean;
}

function surroundings(struct: Struct): Surrounding[] {
	if (!(struct instanceof Item)) return [];
	const { origin, rightOrigin } = struct;
	const parent = struct.parent as unknown;
	const found: Surrounding[] = [];
	if (origin !== null) found.push({ id: origin, isAbove: false });
	if (rightOrigin !== null) found.push({ id: rightOrigin, isAbove: false });
	if (typeof parent === "object" && parent !== null && "clock" in parent)
		found.push({ id: parent as ID, isAbove: true });
	return found;
}

/** At which levels items of an update are: 1 for those in a root. */
class Places {
	readonly #document: Doc;
	/** The update's own, by client. */
	readonly #own = new Map<number, Struct[]>();
	readonly #levels = new Map<Struct, number>();
	/** Whether something is asked for that is neither in the document nor in the update; it counts as if it were a root. */
	isLoose = false;

	constructor(document: Doc, structs: readonly Struct[]) {
		this.#document = document;
		for (const struct of structs) {
			if (struct instanceof Skip) continue;
			const own = this.#own.get(struct.id.client);
			if (own === undefined) this.#own.set(struct.id.client, [struct]);
			else own.push(struct);
		}
	}

	/** Depth first, without recursion: chains are as long as an attacker likes. */
	levelOf(item: Struct): number {
		const open = [item];
		const seen = new Set<Struct>();
		for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
			const missing = seen.has(top) ? [] : this.#missingFor(top);
			seen.add(top);
			if (missing.length > 0) open.push(...missing);
			else {
				if (!this.#levels.has(top)) this.#levels.set(top, this.#settle(top));
				open.pop();
			}
		}
		return this.#levels.get(item) ?? 0;
	}

	#missingFor(struct: Struct): Struct[] {
		if (this.#levels.has(struct)) return [];
		return surroundings(struct).flatMap(({ id }) => {
			const own = this.#ownAt(id);
			return own === undefined || this.#levels.has(own) ? [] : [own];
		});
	}

	#settle(struct: Struct): number {
		let level = 1;
		for (const { id, isAbove } of surroundings(struct))
			level = Math.max(level, this.#levelAt(id) + (isAbove ? 1 : 0));
		return level;
	}

	#levelAt(id: ID): number {
		const stored = storedAt(this.#document, id);
		if (stored !== undefined) return levelInDocument(stored);
		const own = this.#ownAt(id);
		const level = own && this.#levels.get(own);
		// Or it waits for itself in a circle, and never comes.
		if (level === undefined) this.isLoose = true;
		return level ?? 0;
	}

	#ownAt({ client, clock }: ID): Struct | undefined {
		const structs = this.#own.get(client) ?? [];
		let [low, high] = [0, structs.length - 1];
		while (low <= high) {
			const middle = (low + high) >> 1;
			const struct = structs[middle];
			if (struct === undefined) return undefined;
			if (struct.id.clock > clock) high = middle - 1;
			else if (struct.id.clock + struct.length <= clock) low = middle + 1;
			else return struct;
		}
		return undefined;
	}
}

function levelInDocument(struct: Struct): number {
	let level = 0;
	for (let item: unknown = struct; item instanceof Item && level <= levelsMax; level += 1)
		item =
			typeof item.parent === "object" && item.parent !== null && "_item" in item.parent && item.parent._item;
	return level;
}

function storedAt({ store }: Doc, { client, clock }: ID): Struct | undefined {
	const structs = store.clients.get(client);
	const last = structs?.at(-1);
	if (structs === undefined || last === undefined || clock >= last.id.clock + last.length) return undefined;
	return structs[findIndexSS(structs, clock)];
}
