import "./patched-date.ts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { quietMs } from "../../extensions/durability/handshake.ts";
import { testSeed } from "../support/random.ts";
import { endings } from "./cluster-endings.ts";
import { faultNames } from "./cluster-faults.ts";
import { inMemory, settleInStep } from "./cluster-wishes.ts";
import { ClusterWorld } from "./cluster-world.ts";
import { startSimulatedTime } from "./simulated-time.ts";

const schedules = Number(process.env.INDELIBLE_SIMULATIONS ?? 500);
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

function traceOf({ happened, redis, promises, disk, documentNames }: ClusterWorld) {
	const documents = documentNames.map((name) => disk.read(name));
	return { happened: [...happened], messages: redis.totals, acknowledged: promises.count, documents };
}

async function run(seed: number): Promise<ClusterWorld> {
	startSimulatedTime();
	const world = new ClusterWorld(seed);
	const steps = 40 + world.random.below(120);
	for (let step = 0; step < steps; step += 1) await world.step();
	await world.heal();
	await settleInStep(world);
	// Acknowledgements that wait for a client to be quiet are not to meet the edits of the ending on their way.
	await world.pass(2 * quietMs);
	const ending = world.random.pick(endings);
	await ending(world);
	await settleInStep(world);
	for (const client of world.clients) world.hangUp(client);
	await world.settle([{ what: "all memory free", withinMs: 30_000, missing: () => inMemory(world) }]);
	world.promises.checkAll(world.disk);
	vi.clearAllTimers();
	return world;
}

test("the same seed gives the same run", async () => {
	const seed = testSeed("cluster simulation");
	const [once, again] = [await run(seed), await run(seed)];
	expect(traceOf(again)).toEqual(traceOf(once));
});

test(`[DUR1] [CON1] [CLU2] [CLU3] [CLU4] ${schedules} random schedules of several nodes, Redis and a store that fail`, {
	timeout: 3_600_000,
}, async () => {
	const first = testSeed("cluster simulation");
	let acknowledgedUpdates = 0;
	const longestMs = new Map<string, { readonly ms: number; readonly seed: number }>();
	const happened = new Map<string, number>();
	const failures: string[] = [];
	for (let seed = first; seed < first + schedules && failures.length < failuresMax; seed += 1) {
		try {
			const world = await run(seed);
			for (const [what, ms] of world.longestMs) {
				if (ms > (longestMs.get(what)?.ms ?? 0)) longestMs.set(what, { ms, seed });
			}
			acknowledgedUpdates += world.promises.count;
			for (const [what, times] of world.happened) happened.set(what, (happened.get(what) ?? 0) + times);
		} catch (error) {
			const failure = `INDELIBLE_SEED=${seed} INDELIBLE_SIMULATIONS=1 fails: ${(error as Error).stack}`;
			console.info(failure);
			failures.push(failure);
		}
	}
	console.info(
		`cluster simulation: ${schedules} schedules, ${acknowledgedUpdates} updates acknowledged,`,
		Object.fromEntries(happened),
	);
	console.info("longest time until", Object.fromEntries(longestMs));
	expect(failures).toEqual([]);
	expect(acknowledgedUpdates).toBeGreaterThanOrEqual(schedules * 20);
	if (schedules < 100) return;
	for (const fault of faultNames)
		expect(happened.get(fault) ?? 0, fault).toBeGreaterThanOrEqual(schedules / 10);
});
