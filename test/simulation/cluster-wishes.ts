import { ghosts, stragglers, unseen } from "./cluster-checks.ts";
import type { ClusterWorld, Wish } from "./cluster-world.ts";

const movementsMax = 8;

/** What holds once everything works again and nobody edits any more. */
export async function settleInStep(world: ClusterWorld): Promise<void> {
	await world.settle(inStep(world));
	await settlePresence(world);
}

/**
 * Whoever comes back says what it said before, which y-protocols takes for old news: on a clock that others have seen.
 * It takes some movements until everybody sees everybody.
 */
async function settlePresence(world: ClusterWorld): Promise<void> {
	for (let movements = 1; ; movements += 1) {
		for (const client of world.clients) world.move(client);
		await world.pass(500);
		const found = unseen(world);
		if (found.length === 0) return;
		if (movements === movementsMax)
			throw new Error(`not seen after ${movements} movements: ${found.join(", ")}`);
	}
}

function inStep(world: ClusterWorld): Wish[] {
	return [
		{ what: "everybody connected", withinMs: 10_000, missing: () => world.connectAll() },
		{ what: "every node with Redis again", withinMs: 15_000, missing: () => cutOff(world) },
		{
			what: "everything saved",
			withinMs: 15_000,
			missing: () => world.clients.filter(({ saysSaved }) => !saysSaved).map(({ name }) => name),
		},
		{ what: "everybody in step with the store", withinMs: 15_000, missing: () => stragglers(world) },
		// Word of somebody who left may be lost with a connection to Redis. Whoever has the document open repeats who is there; if
		// nobody has, y-protocols forgets the silent after 30 s.
		{ what: "rid of everybody who is gone", withinMs: 35_000, missing: () => ghosts(world) },
	];
}

function cutOff({ nodes }: ClusterWorld): string[] {
	return nodes.flatMap(({ server }, index) => (server?.bus?.status.status === "up" ? [] : `node ${index}`));
}

/** @returns The documents that nobody has open and that are in memory all the same. */
export function inMemory({ nodes }: ClusterWorld): string[] {
	return nodes.flatMap(({ server }, index) => {
		const names = [...(server?.hocuspocus.documents.keys() ?? [])];
		return names.map((name) => `document ${name} on node ${index}`);
	});
}
