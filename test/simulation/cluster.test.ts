import "./patched-date.ts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { testSeed } from "../support/random.ts";
import { ghosts, stragglers, unseen } from "./cluster-checks.ts";
import { ClusterWorld, type Wish } from "./cluster-world.ts";
import { startSimulatedTime } from "./simulated-time.ts";

const schedules = Number(process.env.INDELIBLE_SIMULATIONS ?? 800);
/** Failures that are reported, so that the shortest one can be picked. */
const failuresMax = Number(process.env.INDELIBLE_FAILURES ?? 5);

beforeEach(() => {
	// Hocuspocus reports refused documents and closed connections there.
	vi.spyOn(console, "error").mockImplementation(() => {});
});

afterEach(() => {
	vi.useRealTimers();
	vi.restoreAllMocks();
});

/** What holds once everything works again and nobody edits any more. */
function inStep(world: ClusterWorld): Wish[] {
	return [
		{ what: "everybody connected", withinMs: 30_000, missing: () => world.connectAll() },
		{
			what: "everything saved",
			withinMs: 30_000,
			missing: () => world.clients.filter(({ saysSaved }) => !saysSaved).map(({ name }) => name),
		},
		{ what: "everybody in step with the store", withinMs: 30_000, missing: () => stragglers(world) },
		{ what: "rid of everybody who is gone", withinMs: 30_000, missing: () => ghosts(world) },
		// Whoever comes back says what it said before, which y-protocols takes for old news until it is renewed.
		{ what: "everybody seen by everybody", withinMs: 60_000, missing: () => unseen(world) },
	];
}

function inMemory({ nodes }: ClusterWorld): string[] {
	return nodes.flatMap(({ server }, index) => {
		const names = [...(server?.hocuspocus.documents.keys() ?? [])];
		return names.map((name) => `document ${name} on node ${index}`);
	});
}

async function run(seed: number) {
	startSimulatedTime();
	const world = new ClusterWorld(seed);
	const steps = 40 + world.random.below(120);
	for (let step = 0; step < steps; step += 1) await world.step();
	await world.heal();
	const took = await world.settle(inStep(world));
	world.promises.checkAll(world.disk);
	for (const client of world.clients) world.hangUp(client);
	await world.settle([{ what: "all memory free", withinMs: 30_000, missing: () => inMemory(world) }]);
	vi.clearAllTimers();
	return { world, took };
}

test(`[DUR1] [CON1] [CLU2] ${schedules} random schedules of several nodes, Redis and a store that fail`, {
	timeout: 3_600_000,
}, async () => {
	const first = testSeed("cluster simulation");
	const longestMs = new Map<string, { readonly ms: number; readonly seed: number }>();
	const happened = new Map<string, number>();
	const failures: string[] = [];
	for (let seed = first; seed < first + schedules && failures.length < failuresMax; seed += 1) {
		try {
			const { world, took } = await run(seed);
			for (const [what, ms] of took) {
				if (ms > (longestMs.get(what)?.ms ?? 0)) longestMs.set(what, { ms, seed });
			}
			for (const [what, times] of world.happened) happened.set(what, (happened.get(what) ?? 0) + times);
		} catch (error) {
			failures.push(`INDELIBLE_SEED=${seed} INDELIBLE_SIMULATIONS=1 fails: ${(error as Error).stack}`);
		}
	}
	console.info(`cluster simulation: ${schedules} schedules:`, Object.fromEntries(happened));
	console.info("longest time until", Object.fromEntries(longestMs));
	expect(failures).toEqual([]);
});
