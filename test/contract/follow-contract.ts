import { describe, expect, onTestFinished, test } from "vitest";
import type { Follow, FollowResult, FollowSignal, Store } from "../../extensions/durability/store.ts";
import { eventually } from "../support/eventually.ts";
import { stateOf, Typist } from "../support/typist.ts";

interface Node extends Store {
	readonly follow: Follow;
}

/** What every store must do that several nodes can share. @param newPlace Each store that it makes is a node's. */
export function followContract(kind: string, newPlace: () => { store(): Store }): void {
	/** Two nodes over one place. */
	async function twoNodes(): Promise<[Node, Node]> {
		const place = newPlace();
		const open = async () => {
			const store = place.store();
			await store.open();
			onTestFinished(() => store.close());
			const { follow } = store;
			if (follow === undefined) throw new Error("this store can't be followed");
			return Object.assign(store, { follow });
		};
		return [await open(), await open()];
	}

	describe(`${kind}: following other nodes`, () => {
		test("[CLU3] reads what other nodes and this one have appended after a position", async () => {
			const [a, b] = await twoNodes();
			const updates = ["one", "two", "three"].map((text) => new TextEncoder().encode(text));
			for (const [index, update] of updates.entries()) await append(index === 1 ? a : b, "shared", update);
			await append(b, "other", Uint8Array.of(1));
			const [shared, other, behind, unknown] = await a.follow.entriesAfter([
				{ documentName: "shared", position: 1 },
				{ documentName: "other", position: 1 },
				{ documentName: "shared", position: 0 },
				{ documentName: "unknown", position: 0 },
			]);
			expect(entriesOf(shared)).toEqual([
				{ position: 2, updates: [updates[1]] },
				{ position: 3, updates: [updates[2]] },
			]);
			expect(shared).toMatchObject({ position: 3 });
			expect(other).toEqual({ status: "entries", entries: [], position: 1 });
			expect(entriesOf(behind).map(({ position }) => position)).toEqual([1, 2, 3]);
			expect(unknown).toEqual({ status: "entries", entries: [], position: 0 });
			expect(await a.follow.entriesAfter([])).toEqual([]);
		});

		test("[CLU3] a node that has fallen behind a snapshot is told to load anew", async () => {
			const [a, b] = await twoNodes();
			const typist = new Typist();
			for (const word of ["one ", "two ", "three "]) await append(b, "a", typist.type(word));
			await b.compact("a", { gc: true });
			await append(b, "a", typist.type("four"));
			const [behind, level] = await a.follow.entriesAfter([
				{ documentName: "a", position: 2 },
				{ documentName: "a", position: 3 },
			]);
			expect(behind).toEqual({ status: "passed", position: 4 });
			expect(entriesOf(level).map(({ position }) => position)).toEqual([4]);
			expect(stateOf(await a.load("a"))).toBe(typist.text);
		});

		test("[CLU3] a node that has read what the store has lost since is told to load anew", async () => {
			const [a, b] = await twoNodes();
			await append(b, "a", new Typist().type("one"));
			const [lost, gone] = await a.follow.entriesAfter([
				{ documentName: "a", position: 2 },
				{ documentName: "unknown", position: 2 },
			]);
			expect(lost).toEqual({ status: "passed", position: 1 });
			expect(gone).toEqual({ status: "passed", position: 0 });
		});

		test("[CLU3] hears what other nodes announce, and not itself", async () => {
			const [a, b] = await twoNodes();
			const heardByA = listen(a);
			const heardByB = listen(b);
			await eventually("both to listen", () => heardByA.isListening() && heardByB.isListening());
			a.follow.announce(["from a"], true);
			await eventually("b to hear of it", () => heardByB.announced("from a"));
			b.follow.announce(["from b", "more"], true);
			await eventually("a to hear of it", () => heardByA.announced("from b") && heardByA.announced("more"));
			expect(heardByA.announced("from a")).toBe(false);
			expect(heardByB.announced("from b")).toBe(false);
			expect(heardByA.announced("never")).toBe(false);
			expect(heardByA.following()).toBe(true);
			expect(heardByB.following()).toBe(true);
		});

		test("[CLU3] hears that a node is there which has nothing to tell", async () => {
			const [a, b] = await twoNodes();
			const heard = listen(a);
			await eventually("a to listen", () => heard.isListening());
			b.follow.announce([], false);
			await eventually("a to hear of it", () => heard.announcements() === 1);
			expect(heard.announced("anything")).toBe(false);
			expect(heard.following()).toBe(false);
		});

		test("[CLU3] hears of every document of a large announcement, too", async () => {
			const [a, b] = await twoNodes();
			const heard = listen(a);
			await eventually("a to listen", () => heard.isListening());
			const names = Array.from({ length: 2_000 }, (_, index) => `document ${index}`);
			b.follow.announce(names, true);
			await eventually("a to hear of all", () => names.every((name) => heard.announced(name)));
		});

		test("[CLU3] who has stopped listening hears nothing, others go on", async () => {
			const [a, b] = await twoNodes();
			const stopped = listen(a);
			const going = listen(a);
			await eventually("both to listen", () => stopped.isListening() && going.isListening());
			stopped.end();
			b.follow.announce(["a"], true);
			await eventually("one to hear of it", () => going.announced("a"));
			expect(stopped.announced("a")).toBe(false);
			going.end();
			const again = listen(a);
			await eventually("a new one to listen", () => again.isListening());
		});
	});
}

function append(store: Store, documentName: string, update: Uint8Array): Promise<unknown> {
	return store.append([{ documentName, updates: [update] }]);
}

function entriesOf(result: FollowResult | undefined) {
	if (result?.status !== "entries") throw new Error(`the result is ${result?.status}`);
	return result.entries;
}

function listen(node: Node) {
	const signals: FollowSignal[] = [];
	const end = node.follow.listen((signal) => signals.push(signal));
	onTestFinished(end);
	return {
		end,
		isListening: () => signals.some(({ type }) => type === "listening"),
		announcements: () => signals.filter(({ type }) => type === "announced").length,
		following: () => signals.some((signal) => signal.type === "announced" && signal.isFollowing),
		announced: (name: string) =>
			signals.some((signal) => signal.type === "announced" && signal.concerns(name)),
	};
}
