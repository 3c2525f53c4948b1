import { disagreements, ghosts } from "./cluster-checks.ts";
import type { ClusterWorld } from "./cluster-world.ts";

/** A node takes a silent connection for dead after 8 s. */
const noticedMs = 10_000;

/** [CLU3]: through the store, once they stop typing. */
const convergenceMsMax = 2_000;

/** [CLU4] */
const ghostMsMax = 10_000;

/** What happens to a world in which everything worked, each with a promise about how long things take. */
export const endings: readonly ((world: ClusterWorld) => Promise<void>)[] = [
	async (world) => {
		world.redis.goAway();
		await editWithoutRedis(world);
	},
	async (world) => {
		world.redis.setReach("silent");
		await world.pass(noticedMs);
		await editWithoutRedis(world);
	},
	async (world) => {
		const node = world.random.pick(world.nodes);
		if (world.random.chance(0.5)) node.setReach("refused", true);
		else node.setReach("silent", false);
		await world.pass(noticedMs);
		await editWithoutRedis(world);
	},
	async (world) => {
		world.kill(world.random.pick(world.nodes));
		// Some of its people come back, to another node.
		for (const client of world.clients)
			if (client.line === undefined && world.random.chance(0.5)) world.connect(client);
		await world.settle([
			{ what: "rid of a dead node's people", withinMs: ghostMsMax, missing: () => ghosts(world) },
		]);
		await world.heal();
	},
];

/** Nodes that are cut off from Redis, or from those that are not, keep in step through the store. */
async function editWithoutRedis(world: ClusterWorld): Promise<void> {
	const { random } = world;
	for (let edits = 1 + random.below(8); edits > 0; edits -= 1) {
		world.edit(random.pick(world.clients));
		await world.pass(random.below(400));
	}
	await world.settle([
		{
			what: "in step without Redis",
			withinMs: convergenceMsMax,
			missing: () => disagreements(world),
		},
	]);
	await world.heal();
}
