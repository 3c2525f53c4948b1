import type { BenchCluster } from "../cluster.ts";
import { generatorFigures, watchGenerator } from "../generator-watch.ts";
import { Meeting } from "../meeting.ts";
import { sleep } from "../pace.ts";
import { Samples } from "../samples.ts";
import { type Bench, defineScenario } from "../scenario.ts";
import { count, generatorUse, milliseconds, seconds } from "../show.ts";

const nodes = 3;
const sharedDocuments = 12;
const loneDocuments = 6;
const beforeMs = 5_000;
const defaultAwayS = 10;
/** People on a node that is killed type on, so that there is always something that only they have. */
const typedOfflineMs = 500;
/** So long is typed after the fault at least. */
const afterMs = 3_000;
const inStepDeadlineMs = 30_000;
/** The stock server saves 10 s after an edit at the latest, and when everybody has left. */
const saveMs = 15_000;
const saveAfterLeavingMs = 5_000;

/** What goes wrong, for a while or for good. */
const faults = [
	{ name: "a node is killed", heals: false, begin: ({ nodes: [first] }: BenchCluster) => first?.kill() },
	{ name: "Redis is away", heals: true, begin: ({ redis }: BenchCluster) => redis.crash(), end: "redis" },
	{
		name: "Postgres is away",
		heals: true,
		begin: ({ postgres }: BenchCluster) => postgres.crash(),
		end: "postgres",
	},
] as const;

export const recoveryScenario = defineScenario({
	name: "recovery",
	isSideBySide: true,
	summary: "a node, Redis or Postgres is killed: time until all are in step again, and edits that are lost",
	explain: ({ durationS = defaultAwayS }) =>
		`${nodes} nodes, unmodified providers. ${sharedDocuments} documents with somebody on each node, one of whom types 5 characters a second; in ` +
		"every other document only until the fault ends. In step: everybody in the document has all that was typed until the fault " +
		`ended, counted from then; for a node, all that was typed until ${typedOfflineMs} ms after its kill -9, counted from that. Redis and Postgres are killed and started again after ${durationS} s. ` +
		`${loneDocuments} people more are alone in a document on the first node and leave for good: with the node, or in the middle of ` +
		"the fault. At the end new providers look for everything that was acknowledged. Both servers at the same time.",
	async measure(bench) {
		const rows = [];
		for (const fault of faults) rows.push(await measureFault(bench, fault));
		return rows;
	},
	charts: {
		of: [
			{
				title: "Until all are in step, somebody types on",
				value: (row) => row.typedInStepMs,
				text: inStep,
				scale: "in step",
				fullMin: 1_000,
			},
			{
				title: "Until all are in step, nobody types",
				value: (row) => row.quietInStepMs,
				text: inStep,
				scale: "in step",
				fullMin: 1_000,
			},
			{ title: "Acknowledged edits that are lost", value: (row) => row.lost, text: count },
		],
		note: "In step: everybody has all that was typed before the fault was over.",
	},
	columns: [
		{ title: "fault", cell: ({ fault }) => fault },
		{
			title: "to other node meanwhile p50, p99",
			cell: (row) => `${milliseconds(row.seenP50Ms)}, ${milliseconds(row.seenP99Ms)}`,
		},
		{ title: "in step, typed in", cell: (row) => inStep(row.typedInStepMs) },
		{ title: "in step, quiet", cell: (row) => inStep(row.quietInStepMs) },
		{ title: "acknowledged up to then", cell: (row) => inStep(row.savedMs) },
		{ title: "acknowledged", cell: (row) => count(row.acknowledged) },
		{ title: "lost", cell: (row) => count(row.lost) },
		{ title: "by those who left", cell: (row) => `${count(row.loneLost)} of ${count(row.loneAcknowledged)}` },
		{ title: "generator", aside: true, cell: (row) => generatorUse(row) },
	],
});

async function measureFault(
	{ startCluster, settings: { durationS = defaultAwayS }, progress }: Bench,
	fault: (typeof faults)[number],
) {
	progress(`${fault.name}: opening documents`);
	const cluster = await startCluster(nodes);
	const urls = cluster.nodes.map(({ url }) => url);
	const gone = new Set<string>();
	/** The node that one is on, and another one once that is gone. */
	const near = (node: number) => () => {
		const candidates = urls.map((_, n) => urls[(node + n) % nodes] ?? "");
		return candidates.find((url) => !gone.has(url)) ?? "";
	};
	const shared: Meeting[] = [];
	for (let n = 0; n < sharedDocuments; n += 1)
		shared.push(await Meeting.open(`shared ${n}`, [near(n), near(n + 1), near(n + 2)]));
	const lone: Meeting[] = [];
	for (let n = 0; n < loneDocuments; n += 1) lone.push(await Meeting.open(`lone ${n}`, [near(0)]));
	const all = [...shared, ...lone];
	for (const meeting of all) meeting.startTyping();
	await sleep(beforeMs);

	progress(fault.name);
	const watch = watchGenerator("processor");
	const watched = shared.map((meeting) => meeting.watch());
	const begun = fault.begin(cluster);
	if (!fault.heals) {
		gone.add(urls[0] ?? "");
		for (const meeting of lone) meeting.leave();
	}
	const [typed, quiet] = [shared.filter((_, n) => n % 2 === 0), shared.filter((_, n) => n % 2 === 1)];
	await begun;
	let sinceMs = performance.now();
	if (!fault.heals) {
		await sleep(typedOfflineMs);
	} else {
		await sleep((durationS * 1000) / 2);
		for (const meeting of lone) meeting.leave();
		await sleep((durationS * 1000) / 2);
		await cluster[fault.end].start();
		sinceMs = performance.now();
	}
	for (const meeting of quiet) meeting.stopTyping();
	const seenAfter = watched.map((end) => end());

	progress(`${fault.name}: until all are in step`);
	const inStepSoon = (meeting: Meeting) => meeting.inStep(inStepDeadlineMs);
	const [typedInStepMs, quietInStepMs, savedMs] = await Promise.all([
		timeUntil(sinceMs, typed, inStepSoon),
		timeUntil(sinceMs, quiet, inStepSoon),
		timeUntil(sinceMs, shared, (meeting) => meeting.saved(inStepDeadlineMs)),
		sleep(afterMs),
	]);
	const generator = watch.end();
	for (const meeting of shared) meeting.stopTyping();
	progress(`${fault.name}: saving`);
	await sleep(saveMs);
	for (const meeting of shared) meeting.leave();
	await sleep(saveAfterLeavingMs);
	const reader = urls[1] ?? "";
	const lost = async (meetings: readonly Meeting[]) => {
		let sum = 0;
		for (const meeting of meetings) sum += await meeting.lost(reader);
		return sum;
	};
	const loneLost = await lost(lone);
	const sharedLost = await lost(shared);
	await cluster.end();
	const acknowledged = (meetings: readonly Meeting[]) =>
		meetings.reduce((sum, { author }) => sum + author.acknowledged, 0);
	// A node's death takes no time in which anything could be measured.
	const seen = fault.heals ? Samples.of(seenAfter) : new Samples();
	return {
		part: fault.name,
		fault: fault.name,
		seenP50Ms: seen.percentile(0.5),
		seenP99Ms: seen.percentile(0.99),
		typedInStepMs,
		quietInStepMs,
		savedMs,
		acknowledged: acknowledged(all),
		lost: loneLost + sharedLost,
		loneAcknowledged: acknowledged(lone),
		loneLost,
		...generatorFigures(generator, seen.percentile(0.99)),
	};
}

/** @returns Until it was so for the last of them, in ms; infinite when it was not before the deadline. */
async function timeUntil(
	sinceMs: number,
	meetings: readonly Meeting[],
	isSo: (meeting: Meeting) => Promise<boolean>,
): Promise<number> {
	const all = await Promise.all(meetings.map(isSo));
	return all.every((each) => each) ? performance.now() - sinceMs : Number.POSITIVE_INFINITY;
}

function inStep(ms: number): string {
	return Number.isFinite(ms) ? seconds(ms) : `not in ${count(inStepDeadlineMs / 1000)} s`;
}
