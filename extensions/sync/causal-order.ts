import { type GC, type ID, Item, Skip } from "yjs";

export type Struct = Item | GC | Skip;

/** What is still to be taken of one client. */
interface Queue {
	readonly structs: Struct[];
	at: number;
	/** The next one waits for something that is missing. */
	isStuck: boolean;
}

/** A client whose structs are being taken until this clock is among them. */
interface Goal {
	readonly client: number;
	readonly clock: number;
}

/**
 * Has structs taken one by one, each after those that it builds on: what its author made before, its neighbours, the type that it is in.
 * Linear in their number, however they depend on each other. Pure.
 * @param structs As `decodeUpdate` gives them: a client's in their order.
 * @param endOf The clock after the last struct of a client that was taken, or is there.
 * @param take Returns whether it could be taken; if not, what builds on it can't be, either.
 * @returns Those that can't be taken, as something is missing that they build on.
 */
export function takeInOrder(
	structs: readonly Struct[],
	endOf: (client: number) => number,
	take: (struct: Item | GC) => boolean,
): Struct[] {
	const [first] = structs;
	if (first !== undefined && structs.length === 1) return takeOne(first, endOf, take);
	const queues = queuesOf(structs, endOf);
	// As Yjs does: who comes first of two that say the same is not moved by the other then.
	for (const client of [...queues.keys()].sort((one, other) => other - one))
		takeAll(client, queues, endOf, take);
	return [...queues.values()].flatMap((queue) => queue.structs.slice(queue.at));
}

/** What most edits hold. */
function takeOne(
	struct: Struct,
	endOf: (client: number) => number,
	take: (struct: Item | GC) => boolean,
): Struct[] {
	const end = endOf(struct.id.client);
	if (struct instanceof Skip || struct.id.clock + struct.length <= end) return [];
	const isNext = struct.id.clock <= end && missingFor(struct, end, endOf) === undefined;
	return isNext && take(struct) ? [] : [struct];
}

function queuesOf(structs: readonly Struct[], endOf: (client: number) => number): Map<number, Queue> {
	const queues = new Map<number, Queue>();
	let current: Queue | undefined;
	let client: number | undefined;
	for (const struct of structs) {
		if (struct instanceof Skip || struct.id.clock + struct.length <= endOf(struct.id.client)) continue;
		if (struct.id.client !== client) {
			client = struct.id.client;
			current = queues.get(client) ?? { structs: [], at: 0, isStuck: false };
			queues.set(client, current);
		}
		current?.structs.push(struct);
	}
	return queues;
}

/** Takes what can be taken of a client, and of others what that needs. Clients that get no further have their queue left as it is. */
function takeAll(
	first: number,
	queues: ReadonlyMap<number, Queue>,
	endOf: (client: number) => number,
	take: (struct: Item | GC) => boolean,
): void {
	const goals: Goal[] = [{ client: first, clock: Number.POSITIVE_INFINITY }];
	const open = new Set([first]);
	for (let goal = goals.at(-1); goal !== undefined; goal = goals.at(-1)) {
		const missing = takeUntil(goal, queues.get(goal.client), endOf, take);
		if (missing === "nothing") {
			goals.pop();
			open.delete(goal.client);
			continue;
		}
		// All that are open wait for the last one: it can't be had, or waits for one of them.
		if (missing === "all" || open.has(missing.client)) {
			for (const { client } of goals) {
				const queue = queues.get(client);
				if (queue !== undefined) queue.isStuck = true;
			}
			return;
		}
		goals.push(missing);
		open.add(missing.client);
	}
}

/** @returns What has to be taken first; `"all"` when it is nowhere. */
function takeUntil(
	{ client, clock }: Goal,
	queue: Queue | undefined,
	endOf: (client: number) => number,
	take: (struct: Item | GC) => boolean,
): Goal | "nothing" | "all" {
	if (queue === undefined || queue.isStuck) return clock < endOf(client) ? "nothing" : "all";
	let end = endOf(client);
	for (let struct = queue.structs[queue.at]; struct !== undefined; struct = queue.structs[queue.at]) {
		if (clock < end) return "nothing";
		if (struct.id.clock > end) return "all";
		const missing = missingFor(struct, end, endOf);
		if (missing !== undefined) return missing;
		if (!take(struct as Item | GC)) return "all";
		queue.at += 1;
		end = Math.max(end, struct.id.clock + struct.length);
	}
	return clock < end || clock === Number.POSITIVE_INFINITY ? "nothing" : "all";
}

/** @param ownEnd The end of the struct's own client, which most are next to. */
function missingFor(struct: Struct, ownEnd: number, endOf: (client: number) => number): ID | undefined {
	if (!(struct instanceof Item)) return undefined;
	const { client: own } = struct.id;
	const isMissing = ({ client, clock }: ID) => clock >= (client === own ? ownEnd : endOf(client));
	const { origin, rightOrigin } = struct;
	if (origin !== null && isMissing(origin)) return origin;
	if (rightOrigin !== null && isMissing(rightOrigin)) return rightOrigin;
	const parent: unknown = struct.parent;
	if (typeof parent !== "object" || parent === null || !("clock" in parent)) return undefined;
	return isMissing(parent as ID) ? (parent as ID) : undefined;
}
