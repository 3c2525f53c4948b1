import type { Random } from "../support/random.ts";
import type { ClusterWorld } from "./cluster-world.ts";
import { noLosses } from "./simulated-redis.ts";

/** One thing that goes wrong, or is undone again. */
type Fault = (world: ClusterWorld, random: Random) => void | Promise<void>;

const faults = {
	redisLoses: ({ redis }, random) => {
		redis.losses = random.chance(0.4)
			? noLosses
			: { drop: random.next() * 0.3, delay: random.next() * 0.2, duplicate: random.next() * 0.2 };
	},
	/** Redis keeps nothing: whoever is back listens to no channel. */
	redisRestarts: ({ redis }, random) => {
		if (redis.reach !== "refused" && random.chance(0.5)) redis.goAway();
		else redis.setReach("works");
	},
	redisStandsStill: ({ redis }) => redis.setReach(redis.reach === "silent" ? "works" : "silent"),
	nodeLosesRedis: ({ nodes }, random) => {
		const node = random.pick(nodes);
		if (node.wayToRedis.reach !== "works") node.setReach("works", random.chance(0.5));
		else if (random.chance(0.5)) node.setReach("silent", false);
		else node.setReach("refused", true);
	},
	connectionBreaks: ({ nodes }, random) => random.pick(nodes).breakConnections(random.below(2)),
	nodeLosesStore: ({ nodes }, random) => {
		const { store } = random.pick(nodes);
		if (store === undefined) return;
		if (store.reach !== "works") store.reach = "works";
		else store.reach = random.pick(["fails", "silent"]);
	},
	storeIsAway: ({ nodes }, random) => {
		const reach = random.pick(["fails", "silent", "works", "works"] as const);
		for (const { store } of nodes) if (store !== undefined) store.reach = reach;
	},
	announcementsAreLost: ({ nodes }, random) => {
		const loss = random.pick([0, 0.5, 1]);
		for (const { store } of nodes) if (store !== undefined) store.announcementLoss = loss;
	},
	nodeDies: (world, random) => {
		const node = random.pick(world.nodes);
		if (node.isUp) world.kill(node);
		else node.start();
	},
	nodeStops: ({ nodes }, random) => {
		const node = random.pick(nodes);
		if (node.isUp) node.stop();
		else node.start();
	},
	nodePauses: async ({ nodes }, random) => {
		const process = random.pick(nodes).server?.process;
		if (process?.status === "running") process.pause();
		else await process?.resume();
	},
	clientVanishes: (world, random) => world.vanish(random.pick(world.clients)),
	tabCloses: (world, random) => world.replace(random.pick(world.clients)),
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;

export const faultNames = Object.keys(faults) as readonly FaultName[];

/** Some kinds of faults, others not: a world in which everything fails all the time finds less. */
export function someFaults(random: Random): FaultName[] {
	const share = random.next();
	return faultNames.filter(() => random.chance(share));
}

export async function inject(name: FaultName, world: ClusterWorld): Promise<void> {
	await faults[name](world, world.random);
}
