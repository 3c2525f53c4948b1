import { type Arrivals, arrive } from "../arrivals.ts";
import { largeDocument, nameOfLargeDocument } from "../contents.ts";
import { type CpuUse, watchCpu } from "../cpu-watch.ts";
import { generatorFigures } from "../generator-watch.ts";
import { OpenDocument } from "../open-document.ts";
import { sleep } from "../pace.ts";
import { Samples } from "../samples.ts";
import { type Bench, chosenParts, defineScenario } from "../scenario.ts";
import { settled } from "../settled.ts";
import { bytes, count, generatorUse, milliseconds } from "../show.ts";
import type { TargetProcess } from "../target-process.ts";
import { type Visitor, visitFrames } from "../visitor.ts";

const parts = [{ part: "new" }, { part: "returning" }, { part: "typing" }] as const;
type Part = (typeof parts)[number]["part"];
/** In each, as many join. Those of `typing` take long, and everybody in them comes at a time of their own. */
const rounds: Readonly<Record<Part, number>> = { new: 4, returning: 4, typing: 1 };
const partTitles: Readonly<Record<Part, string>> = {
	new: "new: they have nothing yet",
	returning: "returning: they have all but the last keystrokes",
	typing: "typing: one after the other, while somebody types",
};

/** A document of so many characters takes 1.1 MB, when it is generated. */
const characters = 455_000;
const documentName = "joined";
const joins = 50;
/** What those who return have missed. */
const missedKeystrokes = 20;
const typedPerSecond = 20;
const typingPauseMs = 100;
/** So many of those who join are compared with the document. */
const compared = 3;
const deadlineMs = 60_000;
/** Acknowledgements follow what is measured; their processor time belongs to it. */
const afterwardsMs = 300;

interface Round extends Arrivals, Pick<CpuUse, "cpuMs" | "othersCpuShare"> {
	readonly complete: number;
}

export const joinsScenario = defineScenario({
	name: "joins",
	summary: "50 people open a large document at the same moment",
	parts: parts.map(({ part }) => part),
	explain: (settings) =>
		`${joins} clients open a document of 1.1 MB (${nameOfLargeDocument(settings)}) that somebody has open. \`new\`: all at the same moment, ` +
		`${rounds.new} times after one that does not count, each time after a keystroke that they are the first to get. \`returning\`: they have all but ` +
		`the last ${missedKeystrokes} keystrokes. \`typing\`: one after the other, every ${typingPauseMs} ms, while somebody types ${typedPerSecond} ` +
		"characters a second, whose cost is subtracted. Time from the first TCP connection until the document is there.",
	async measure(bench) {
		const target = await bench.start();
		bench.progress("opening");
		const document = await OpenDocument.open({
			url: target.url,
			documentName,
			contents: largeDocument(bench.settings, characters),
			keystrokes: 2_000,
		});
		const rows = [];
		for (const { part } of chosenParts(parts, bench.settings))
			rows.push(await measurePart(bench, part, target, document));
		document.leave();
		await target.stop();
		return rows;
	},
	columns: [
		{ title: "part", cell: ({ part }) => part },
		{ title: "CPU / join", cell: (row) => milliseconds(row.cpuMsPerJoin) },
		{ title: "synced p50", cell: (row) => milliseconds(row.syncedP50Ms) },
		{ title: "last", cell: (row) => milliseconds(row.lastMs) },
		{ title: "worst last", cell: (row) => milliseconds(row.lastMaxMs) },
		{ title: "bytes / join", cell: (row) => bytes(row.bytesPerJoin) },
		{ title: "complete", cell: (row) => `${count(row.complete)} of ${count(row.compared)}` },
		{ title: "generator", aside: true, cell: (row) => generatorUse(row) },
	],
	charts: {
		of: [
			{ title: "CPU per join", value: (row) => row.cpuMsPerJoin, text: milliseconds },
			{ title: "Until the last one has the document", value: (row) => row.lastMs, text: milliseconds },
		],
		partTitle: ({ part }) => partTitles[part],
	},
});

async function measurePart(bench: Bench, part: Part, target: TargetProcess, document: OpenDocument) {
	const measured: Round[] = [];
	// The first one does not count: code is compiled in it.
	for (let round = 0; round <= rounds[part]; round += 1) {
		bench.progress(`${part}, round ${round} of ${rounds[part]}`);
		const figures =
			part === "typing" ? await joinWhileTyping(target, document) : await joinAtOnce(target, document, part);
		if (round > 0) measured.push(figures);
	}
	return figuresOf(part, measured);
}

/** Everybody at the same moment. */
async function joinAtOnce(
	target: TargetProcess,
	document: OpenDocument,
	part: "new" | "returning",
): Promise<Round> {
	const had = part === "returning" ? document.contents() : undefined;
	const frames = visitFrames(documentName, had && document.stateVector());
	await document.type(part === "returning" ? missedKeystrokes : 1);
	await settled(target);
	const watch = watchCpu(target);
	const arrivals = await arrive({
		count: joins,
		arrival: (n) => ({ url: target.url, frames, keeps: isCompared(n) }),
		deadlineMs,
	});
	await sleep(afterwardsMs);
	const used = watch.end();
	const isComplete = (visitor: Visitor) =>
		document.isIn([...(had === undefined ? [] : [had]), ...untilSynced(visitor)]);
	const complete = arrivals.visitors.filter((visitor, n) => isCompared(n) && isComplete(visitor)).length;
	for (const visitor of arrivals.visitors) visitor.terminate();
	return { ...arrivals, ...used, complete };
}

/** One after the other, in a document that changes; each leaves when it has all. */
async function joinWhileTyping(target: TargetProcess, document: OpenDocument): Promise<Round> {
	const frames = visitFrames(documentName);
	/** What was acknowledged before each came. */
	const expected: number[] = [];
	const arrival = (n: number) => {
		expected.push(document.acknowledged);
		return { url: target.url, frames, keeps: isCompared(n) };
	};
	await settled(target);
	const typing = await whileTyping(target, document, () => sleep(joins * typingPauseMs));
	await settled(target);
	const joining = await whileTyping(target, document, () =>
		arrive({ count: joins, arrival, pauseMs: typingPauseMs, leave: true, deadlineMs }),
	);
	const isComplete = (visitor: Visitor, n: number) =>
		document.typedIn(untilSynced(visitor)) >= (expected[n] ?? 0);
	const complete = joining.result.visitors.filter((visitor, n) => isCompared(n) && isComplete(visitor, n));
	const { cpuMs, tookMs, othersCpuShare } = joining.used;
	const typingCpuMs = (typing.used.cpuMs * tookMs) / typing.used.tookMs;
	return { ...joining.result, cpuMs: cpuMs - typingCpuMs, othersCpuShare, complete: complete.length };
}

async function whileTyping<T>(target: TargetProcess, document: OpenDocument, act: () => Promise<T>) {
	const watch = watchCpu(target);
	const typing = setInterval(() => document.press(), 1000 / typedPerSecond);
	try {
		const result = await act();
		return { result, used: watch.end() };
	} finally {
		clearInterval(typing);
		await document.saved();
	}
}

function untilSynced({ updates, updatesUntilSynced }: Visitor): readonly Uint8Array[] {
	return updates.slice(0, updatesUntilSynced);
}

/** First, middle and last. */
function isCompared(n: number): boolean {
	return n % Math.floor((joins - 1) / (compared - 1)) === 0;
}

function figuresOf(part: Part, measured: readonly Round[]) {
	const synced = Samples.of(measured.map(({ syncedAfter }) => syncedAfter));
	const last = new Samples();
	for (const { syncedAfter } of measured) last.add(syncedAfter.percentile(1));
	const mean = (of: (round: Round) => number) =>
		measured.reduce((sum, round) => sum + of(round), 0) / measured.length;
	return {
		part,
		joins,
		rounds: measured.length,
		cpuMsPerJoin: mean(({ cpuMs }) => cpuMs) / joins,
		syncedP50Ms: synced.percentile(0.5),
		lastMs: last.percentile(0.5),
		lastMaxMs: last.percentile(1),
		bytesPerJoin: mean(receivedBytes) / joins,
		complete: measured.reduce((sum, round) => sum + round.complete, 0),
		compared: measured.length * compared,
		othersCpuShare: mean(({ othersCpuShare }) => othersCpuShare),
		...generatorFigures(
			{
				cpuShare: mean(({ generator }) => generator.cpuShare),
				loopDelayP99Ms: mean(({ generator }) => generator.loopDelayP99Ms),
			},
			last.percentile(0.5),
		),
	};
}

function receivedBytes({ visitors }: Round): number {
	return visitors.reduce((sum, visitor) => sum + visitor.receivedBytes, 0);
}
