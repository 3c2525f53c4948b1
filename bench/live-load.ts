import type { Charts } from "./chart.ts";
import { Crowd, type CrowdFigures } from "./crowd.ts";
import type { Replay } from "./editing-trace.ts";
import { generatorFigures } from "./generator-watch.ts";
import { type Observed, observe } from "./observe.ts";
import { type Play, pointing, replaying, typing } from "./play.ts";
import { clientIdOf } from "./runs.ts";
import type { Bench, BenchSettings, Column } from "./scenario.ts";
import { bytes, count, generatorUse, microseconds, milliseconds, percent } from "./show.ts";
import { dialectOf, keepsDocuments } from "./target-process.ts";
import { type Verdict, Witnesses } from "./witnesses.ts";

/** A part of a scenario with people in one document. */
export interface LivePart {
	/** What `--part` calls it. */
	readonly part: string;
	/** Those who type or point. */
	readonly authors: number;
	/** Those who only look on. */
	readonly readers: number;
	/** Keystrokes of each author, or moves of the cursor. */
	readonly perSecond: number;
	/** Before anything is measured; for {@link defaultWarmUpS} at the same pace by default. */
	readonly warmUp?: WarmUp;
	readonly onRequest?: true;
}

interface WarmUp {
	readonly durationS: number;
	/** Of each author. */
	readonly perSecond: number;
}

/** A type, not an interface, so that it is `Figures`. */
export type LiveFigures = ReturnType<typeof figuresOf>;

const defaultWarmUpS = 4;
const defaultDurationS = 6;

export function durationOf({ durationS = defaultDurationS }: BenchSettings, warmUp?: WarmUp): string {
	const pace = warmUp === undefined ? "" : ` with ${warmUp.perSecond}`;
	return `for ${durationS} s after ${warmUp?.durationS ?? defaultWarmUpS} s of warm-up${pace}`;
}

interface LiveContents {
	/** What the document holds at first, as a Yjs update. */
	readonly contents: Uint8Array;
	readonly kind: Play["kind"];
	/** What they type, if it was recorded. */
	readonly replay?: Replay;
}

/** How many updates a run takes at most. @param perSecond Of all together. */
export function updatesMaxIn({ durationS = defaultDurationS }: BenchSettings, perSecond: number): number {
	const rounding = 2 * perSecond;
	return Math.ceil((defaultWarmUpS + durationS) * perSecond) + rounding;
}

/** Has people do something in one document of a server that was started for it. */
export async function measureLive(
	{ target: name, settings, start, progress }: Bench,
	live: LivePart,
	{ contents, kind, replay }: LiveContents,
): Promise<LiveFigures> {
	const { durationS = defaultDurationS } = settings;
	const { part, authors, readers, perSecond, warmUp: special } = live;
	const warmUp = special ?? { durationS: defaultWarmUpS, perSecond };
	const say = (text: string) => progress(`${part}, ${text}`);
	const target = await start();
	// The parts share a data folder.
	const documentName = `live ${part}`;
	const dialect = dialectOf(name);
	const counts = {
		warmUp: Math.ceil(warmUp.durationS * warmUp.perSecond),
		measured: Math.ceil(durationS * perSecond),
	};
	say("writing what is to be said");
	const cast = { documentName, dialect, people: authors, count: counts.warmUp + counts.measured };
	const play =
		replay !== undefined
			? replaying(cast, replay)
			: kind === "edits"
				? typing(cast, contents)
				: pointing(cast);
	const crowd = await Crowd.open({ url: target.url, documentName, contents, dialect, play, readers }, say);
	say("unmodified clients join");
	const witnesses = keepsDocuments(name)
		? await Witnesses.join({ url: target.url, documentName, dialect })
		: undefined;
	const perform = (count: number, pace: number, what: string) =>
		observe(target, () =>
			crowd.perform({ count: count * authors, perSecond: pace * authors }, (text) => say(`${what}${text}`)),
		);
	const warmedUp = await perform(counts.warmUp, warmUp.perSecond, "warm-up, ");
	// A server that falls behind does so in the warm-up.
	const observed = warmedUp.result.fellBehind ? warmedUp : await perform(counts.measured, perSecond, "");
	const { fellBehind } = observed.result;
	say("comparing");
	const sent = crowd.clocks.map((clock, author) => [clientIdOf(author), clock] as const);
	const expected = { clocks: kind === "edits" ? sent : [], presence: kind === "edits" ? [] : sent };
	const verdict = fellBehind ? undefined : await witnesses?.judge(expected);
	witnesses?.leave();
	crowd.leave();
	if (fellBehind) await target.kill();
	else await target.stop();
	return figuresOf(live, observed, verdict);
}

function figuresOf(
	{ part, authors, readers, perSecond }: LivePart,
	observed: Observed<CrowdFigures>,
	verdict: Verdict | undefined,
) {
	const { result, cpuMs, userMs, systemMs, generator } = observed;
	const { sent, delivered, seenAfter, acknowledgedAfter } = result;
	const seenP99Ms = seenAfter.percentile(0.99);
	return {
		part,
		authors,
		readers,
		perSecond,
		fellBehind: result.fellBehind ? 1 : 0,
		updates: sent,
		delivered: delivered / result.expected,
		converged: verdict?.agreeing ?? Number.NaN,
		compared: verdict?.of ?? Number.NaN,
		cpuMsPerUpdate: cpuMs / sent,
		userMsPerUpdate: userMs / sent,
		systemMsPerUpdate: systemMs / sent,
		cpuMsPerDelivery: cpuMs / delivered,
		cpuSPerMillionDeliveries: (cpuMs / delivered) * 1000,
		cpuShare: cpuMs / observed.tookMs,
		seenP50Ms: seenAfter.percentile(0.5),
		seenP99Ms,
		acknowledged: result.acknowledged / sent,
		acknowledgedP50Ms: acknowledgedAfter.percentile(0.5),
		acknowledgedP99Ms: acknowledgedAfter.percentile(0.99),
		loopDelayP99Ms: observed.loopDelayP99Ms,
		residentBytes: observed.residentBytes,
		sentBytesPerUpdate: result.receivedBytes / sent,
		framesPerUpdate: result.receivedFrames / sent,
		...generatorFigures(generator, seenP99Ms),
		othersCpuShare: observed.othersCpuShare,
	};
}

type LiveColumn = Column<LiveFigures & { readonly target: string }>;

export const liveColumns: readonly LiveColumn[] = [
	{ title: "part", cell: ({ part }) => part },
	{
		title: "delivered",
		cell: ({ fellBehind, delivered }) => (fellBehind ? "falls behind" : percent(delivered)),
	},
	{
		title: "converged",
		aside: true,
		cell: ({ converged, compared }) => (Number.isNaN(converged) ? "-" : `${converged} of ${compared}`),
	},
	{ title: "CPU / update", cell: (row) => microseconds(row.cpuMsPerUpdate) },
	{ title: "CPU / delivery", cell: (row) => microseconds(row.cpuMsPerDelivery) },
	{ title: "CPU", cell: ({ cpuShare }) => percent(cpuShare) },
	{
		title: "to peer p50, p99",
		cell: (row) => `${milliseconds(row.seenP50Ms)}, ${milliseconds(row.seenP99Ms)}`,
	},
	{
		title: "acknowledged p50, p99",
		cell: (row) => `${milliseconds(row.acknowledgedP50Ms)}, ${milliseconds(row.acknowledgedP99Ms)}`,
	},
	{ title: "loop late p99", aside: true, cell: (row) => milliseconds(row.loopDelayP99Ms) },
	{ title: "memory", aside: true, cell: (row) => bytes(row.residentBytes) },
	{ title: "sent / update", aside: true, cell: (row) => bytes(row.sentBytesPerUpdate) },
	{ title: "generator", aside: true, cell: generatorUse },
];

export const broadcasterNote =
	"The raw ones are no servers: they keep no documents, and nobody can join. Only Indelible's edits are on disk when they are acknowledged.";

type LiveCharts = Charts<LiveFigures & { readonly target: string }>;

/** @param did What an update is. @param cpu The figure for the processor that says most. */
export function liveChartsOf(did: string, cpu: LiveCharts["of"][number]): LiveCharts {
	return {
		of: [
			cpu,
			{ title: `${did} → others, median`, value: (row) => row.seenP50Ms, text: milliseconds },
			{ title: `${did} → others, 99th percentile`, value: (row) => row.seenP99Ms, text: milliseconds },
		],
		partTitle: ({ authors, readers, perSecond }) =>
			`${people(authors)} × ${each(perSecond)} a second${readers === 0 ? "" : `, ${count(readers)} look on`}`,
		note: broadcasterNote,
	};
}

function people(authors: number): string {
	return authors === 1 ? "1 person" : `${count(authors)} people`;
}

function each(perSecond: number): string {
	return perSecond.toLocaleString("en", { maximumFractionDigits: 1 });
}

export const cpuPerUpdateChart: LiveCharts["of"][number] = {
	title: "CPU per update",
	value: (row) => row.cpuMsPerUpdate,
	text: microseconds,
};
export const cpuPerDeliveryChart: LiveCharts["of"][number] = {
	title: "CPU per delivery",
	value: (row) => row.cpuMsPerDelivery,
	text: microseconds,
};
