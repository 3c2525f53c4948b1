import { arrive } from "../arrivals.ts";
import { BoardCopy, type BoardScript, writeBoard } from "../board.ts";
import { type GeneratorUse, generatorFigures, watchGenerator } from "../generator-watch.ts";
import { sleep } from "../pace.ts";
import { Samples } from "../samples.ts";
import { type Bench, type BenchSettings, chosenParts, defineScenario } from "../scenario.ts";
import { settled } from "../settled.ts";
import { bytes, count, generatorUse, percent, seconds } from "../show.ts";
import type { TargetProcess } from "../target-process.ts";
import { type Visitor, visitFrames } from "../visitor.ts";
import { updateFrame, WireClient } from "../wire-client.ts";

const parts = [
	{ part: "100", updates: 100, grows: false, repetitions: 3, onRequest: true },
	{ part: "1000", updates: 1_000, grows: false, repetitions: 1 },
	{ part: "growing", updates: 300, grows: true, repetitions: 1 },
] as const;
type Part = (typeof parts)[number];

const updatesPerSecond = 100;
const updatesPerRound = 5;
const sampleMs = 20;
const readDeadlineMs = 30_000;
const upToDateDeadlineMs = 60_000;
const pollMs = 5;

export const slowReaderScenario = defineScenario({
	name: "slow-reader",
	summary: "somebody stops reading while much is written, and reads again",
	targets: ["indelible", "stock", "raw"],
	parts: parts.map(({ part }) => part),
	explain: (_settings: BenchSettings) =>
		`Somebody writes ${updatesPerSecond} updates of 64 KB a second in a document, somebody else reads all of it, and a third stops reading before the ` +
		`first one and reads again after the last. ${parts.map(describe).join(", ")}. Memory of the server (RSS) over that before the first update, ` +
		"less the same in a run without the one who stops: most at any time, and when all is written and the garbage collected. Medians.",
	async measure(bench) {
		const rows = [];
		for (const part of chosenParts(parts, bench.settings)) rows.push(await measurePart(bench, part));
		return rows;
	},
	charts: {
		of: [
			{ title: "Memory for who stopped, most", value: (row) => row.mostBytes, text: signedBytes },
			{ title: "Sent until up to date", value: (row) => row.catchUpBytes, text: bytes },
			{
				title: "Until up to date",
				value: (row) => (row.sentAway === 0 ? row.upToDateMs : Number.POSITIVE_INFINITY),
				text: (valueMs) => (Number.isFinite(valueMs) ? seconds(valueMs) : "sent away"),
			},
		],
		partTitle: ({ part }) => parts.filter((one) => one.part === part).map(describe)[0] ?? part,
		note: "Memory is compared with a run in which nobody stops; some MB more or less are garbage that was not collected.",
	},
	columns: [
		{ title: "part", cell: ({ part }) => part },
		{ title: "written", cell: (row) => bytes(row.writtenBytes) },
		{ title: "memory, most", cell: (row) => signedBytes(row.mostBytes) },
		{ title: "at the end", cell: (row) => signedBytes(row.heldBytes) },
		{ title: "rest, most", cell: (row) => bytes(row.restMostBytes) },
		{ title: "others got", cell: (row) => percent(row.read) },
		{
			title: "up to date after",
			cell: (row) => (row.sentAway === 0 ? seconds(row.upToDateMs) : "sent away"),
		},
		{ title: "with", cell: (row) => bytes(row.catchUpBytes) },
		{ title: "complete", cell: (row) => `${count(row.complete)} of ${count(row.runs)}` },
		{ title: "generator", aside: true, cell: (row) => generatorUse(row) },
	],
});

interface Run {
	/** Over what there was before. */
	readonly mostBytes: number;
	readonly heldBytes: number;
	readonly read: number;
	readonly slow: CaughtUp | undefined;
	readonly generator: GeneratorUse;
}

/** What became of the one who stopped. */
interface CaughtUp {
	/** `NaN` if it never was. */
	readonly upToDateMs: number;
	readonly receivedBytes: number;
	readonly isComplete: boolean;
	readonly wasSentAway: boolean;
}

async function measurePart(bench: Bench, part: Part) {
	const script = writeBoard(part);
	// The data folder is the same, so each run needs a document that is not there.
	const nameOf = (who: string, n: number) => `${part.part}, ${who}, ${n}`;
	const rest: Run[] = [];
	const slow: Run[] = [];
	for (let n = 1; n <= part.repetitions; n += 1) {
		bench.progress(`${part.part}, without the one who stops, ${n} of ${part.repetitions}`);
		rest.push(await measureRun(bench, script, { documentName: nameOf("rest", n), withSlow: false }));
		bench.progress(`${part.part}, with the one who stops, ${n} of ${part.repetitions}`);
		slow.push(await measureRun(bench, script, { documentName: nameOf("slow", n), withSlow: true }));
	}
	const caughtUp = slow.flatMap((run) => run.slow ?? []);
	return {
		part: part.part,
		writtenBytes: script.updates.reduce((sum, { byteLength }) => sum + byteLength, 0),
		mostBytes: median(slow, mostBytes) - median(rest, mostBytes),
		heldBytes: median(slow, heldBytes) - median(rest, heldBytes),
		restMostBytes: median(rest, mostBytes),
		read: Math.min(...[...rest, ...slow].map(({ read }) => read)),
		runs: caughtUp.length,
		sentAway: caughtUp.filter(({ wasSentAway }) => wasSentAway).length,
		complete: caughtUp.filter(({ isComplete }) => isComplete).length,
		upToDateMs: median(caughtUp, ({ upToDateMs }) => upToDateMs),
		catchUpBytes: median(caughtUp, ({ receivedBytes }) => receivedBytes),
		...generatorFigures({
			cpuShare: median(slow, ({ generator }) => generator.cpuShare),
			loopDelayP99Ms: median(slow, ({ generator }) => generator.loopDelayP99Ms),
		}),
	};
}

async function measureRun(
	{ start }: Bench,
	script: BoardScript,
	{ documentName, withSlow }: { documentName: string; withSlow: boolean },
): Promise<Run> {
	const target = await start();
	const { url } = target;
	let acknowledged = 0;
	const author = await WireClient.open({ url, documentName, onAcknowledged: () => (acknowledged += 1) });
	const frames = visitFrames(documentName);
	const { visitors } = await arrive({
		count: withSlow ? 2 : 1,
		arrival: () => ({ url, frames, keeps: true }),
		deadlineMs: readDeadlineMs,
	});
	const [reader, slow] = visitors;
	if (reader === undefined) throw new Error("nobody reads");
	await settled(target);
	await target.collectGarbage();
	const before = target.usage().residentBytes;
	const memory = watchMemory(target);
	slow?.stopReading();
	const watch = watchGenerator();
	await send(script.updates, (update) => author.send(updateFrame(documentName, update)));
	const copy = new BoardCopy(reader);
	const isRead = () => copy.clock() >= script.clock && acknowledged >= script.updates.length;
	await soon(isRead, readDeadlineMs);
	const generator = watch.end();
	const mostBytes = memory.end() - before;
	await target.collectGarbage();
	const heldBytes = target.usage().residentBytes - before;
	const caughtUp = slow && (await catchUp(slow, script));
	for (const client of [author, ...visitors]) client.terminate();
	// It may have more to do than it can.
	await target.kill();
	return { mostBytes, heldBytes, read: copy.clock() / script.clock, slow: caughtUp, generator };
}

/** Has it read again, until it has everything. */
async function catchUp(slow: Visitor, { clock, document }: BoardScript): Promise<CaughtUp> {
	const copy = new BoardCopy(slow);
	const receivedBefore = slow.receivedBytes;
	const startMs = performance.now();
	slow.readAgain();
	const isUpToDate = await soon(() => copy.clock() >= clock || slow.isClosed, upToDateDeadlineMs);
	return {
		upToDateMs: isUpToDate && !slow.isClosed ? performance.now() - startMs : Number.NaN,
		receivedBytes: slow.receivedBytes - receivedBefore,
		isComplete: copy.equals(document),
		wasSentAway: slow.isClosed,
	};
}

async function send(updates: readonly Uint8Array[], act: (update: Uint8Array) => void): Promise<void> {
	const startMs = performance.now();
	for (let first = 0; first < updates.length; first += updatesPerRound) {
		for (const update of updates.slice(first, first + updatesPerRound)) act(update);
		const nextMs = startMs + ((first + updatesPerRound) * 1000) / updatesPerSecond;
		await sleep(Math.max(0, nextMs - performance.now()));
	}
}

/** @returns Ends it, with the most memory that was resident. */
function watchMemory(target: TargetProcess): { end(): number } {
	let most = 0;
	const look = () => {
		most = Math.max(most, target.usage().residentBytes);
	};
	const timer = setInterval(look, sampleMs);
	return {
		end() {
			clearInterval(timer);
			look();
			return most;
		},
	};
}

/** @returns Whether it came true before the deadline. */
async function soon(probe: () => boolean, deadlineMs: number): Promise<boolean> {
	const untilMs = performance.now() + deadlineMs;
	while (!probe() && performance.now() < untilMs) await sleep(pollMs);
	return probe();
}

function median<T>(of: readonly T[], read: (one: T) => number): number {
	const samples = new Samples();
	for (const one of of) samples.add(read(one));
	return samples.percentile(0.5);
}

function mostBytes(run: Run): number {
	return run.mostBytes;
}

function heldBytes(run: Run): number {
	return run.heldBytes;
}

function describe({ part, updates, grows }: Part): string {
	return `${part}: ${count(updates)} updates, ${grows ? "each adds a picture to a board" : "each replaces the one picture of a board"}`;
}

function signedBytes(value: number): string {
	return `${value < 0 ? "-" : "+"}${bytes(Math.abs(value))}`;
}
