import { bytes, count, each, microseconds, milliseconds, percent, seconds, times } from "../bench/show.ts";
import type { TargetName } from "../bench/target-process.ts";

type Say = (value: number) => string;

/** One figure of a scenario that is worth knowing before all others. */
export interface Highlight {
	readonly what: string;
	readonly scenario: string;
	/** Name of the part, where the scenario has several. */
	readonly part?: string;
	readonly figure: string;
	readonly say: Say;
	readonly goal?: Goal;
	/** Whether it is one of the few for those who know nothing of us yet. */
	readonly isFirst?: true;
}

interface Goal {
	readonly text: string;
	isMet(ours: number, of: (target: TargetName) => number): boolean;
}

/** What fell behind has no figures. */
const keepsUp: Goal = { text: "keeps up", isMet: Number.isFinite };

/** In the order of the page. */
export const highlights: readonly Highlight[] = [
	{
		what: "acknowledged edits lost by `kill -9`, of 1,000",
		scenario: "kill",
		figure: "lost",
		say: count,
		goal: { text: "0", isMet: (ours) => ours === 0 },
		isFirst: true,
	},
	{
		what: "bytes written per keystroke, document of 0.6 MB",
		scenario: "bytes",
		figure: "writtenBytesPerKeystroke",
		say: bytes,
		goal: { text: "stock's ÷ 50", isMet: (ours, of) => ours * 50 <= of("stock") },
		isFirst: true,
	},
	...live("100 people × 20 characters a second in one document", "100x20", [100, 40]),
	...live("1,000 people × 1 character a second", "1000x1", [250, 100], true),
	...live("1,000 people × 5 characters a second", "1000x5", [undefined, 250], true),
	...readers("100", 16),
	...readers("1000", 8),
	{
		what: "CPU per move of one of 300 cursors",
		scenario: "cursors",
		figure: "cpuMsPerUpdate",
		say: microseconds,
		goal: atMost(0.12, microseconds),
		isFirst: true,
	},
	{
		what: "CPU per update, 200 documents × 3 people",
		scenario: "documents",
		figure: "cpuMsPerUpdate",
		say: microseconds,
		goal: atMost(0.14, microseconds),
		isFirst: true,
	},
	{ what: "… edit → others, median", scenario: "documents", figure: "seenP50Ms", say: milliseconds },
	{
		what: "… edit → others, 99th percentile",
		scenario: "documents",
		figure: "seenP99Ms",
		say: milliseconds,
	},
	{
		what: "CPU to join a document of 1.1 MB, 50 at once",
		scenario: "joins",
		part: "new",
		figure: "cpuMsPerJoin",
		say: milliseconds,
		goal: atMost(1.5, milliseconds),
		isFirst: true,
	},
	{
		what: "… until the last of them has it",
		scenario: "joins",
		part: "new",
		figure: "lastMs",
		say: milliseconds,
		goal: atMost(150, milliseconds),
	},
	{
		what: "first join of it after a restart",
		scenario: "cold-join",
		figure: "syncedP50Ms",
		say: milliseconds,
		goal: atMost(60, milliseconds),
		isFirst: true,
	},
	{
		what: "5,000 people back after `kill -9` and a restart, 99 % of them",
		scenario: "restart",
		part: "silent",
		figure: "backP99Ms",
		say: seconds,
		goal: atMost(2_000, seconds),
	},
	{
		what: "… CPU until all are",
		scenario: "restart",
		part: "silent",
		figure: "cpuMs",
		say: seconds,
		goal: atMost(1_500, seconds),
	},
	{
		what: "memory per idle connection, of 5,000",
		scenario: "idle",
		part: "5000",
		figure: "bytesPerConnection",
		say: bytes,
		goal: atMost(14_000, bytes),
	},
	{
		what: "… share of a processor that they take",
		scenario: "idle",
		part: "5000",
		figure: "cpuShare",
		say: percent,
		goal: atMost(0.005, percent),
	},
	{
		what: "idle connections that one node holds",
		scenario: "idle",
		part: "15000",
		figure: "held",
		say: count,
		goal: { text: "15,000", isMet: (ours) => ours >= 15_000 },
	},
	{
		what: "memory for a reader that stops, 66 MB written",
		scenario: "slow-reader",
		part: "1000",
		figure: "mostBytes",
		say: bytes,
		goal: atMost(16_000_000, bytes),
	},
	{
		what: "edit → acknowledged (on disk; stock: in memory), median, 50 edits a second",
		scenario: "latency",
		part: "50 edits a second",
		figure: "p50Ms",
		say: milliseconds,
	},
	{
		what: "edit → acknowledged (on disk; stock: in memory), median, 500 edits a second",
		scenario: "latency",
		part: "500 edits a second",
		figure: "p50Ms",
		say: milliseconds,
	},
	...["types", "draws", "comes and goes", "comes back"].map((part) => ({
		what: `edit → others beside somebody who ${part}, p99 ÷ alone`,
		scenario: "tenants",
		part,
		figure: "ratio",
		say: times,
		goal: atMost(2, times),
	})),
	{
		what: "Redis commands per edit, 1,000 documents on two nodes",
		scenario: "bus",
		part: "1,000 documents",
		figure: "commandsPerEdit",
		say: each,
		isFirst: true,
	},
	{
		what: "2,000 people on three nodes, one is killed: all are back",
		scenario: "node-loss",
		figure: "backAllMs",
		say: seconds,
	},
];

/** Of writers. @param goals CPU in µs, and the 99th percentile in ms. */
function live(
	what: string,
	part: string,
	[cpuMicros, p99Ms]: readonly [number | undefined, number],
	isFirst?: true,
): readonly Highlight[] {
	const common = { scenario: "writers", part };
	return [
		{
			...common,
			what: `CPU per update, ${what}`,
			figure: "cpuMsPerUpdate",
			say: microseconds,
			goal: cpuMicros === undefined ? keepsUp : atMost(cpuMicros / 1000, microseconds),
			...(isFirst && { isFirst }),
		},
		{
			...common,
			what: "… edit → others, 99th percentile",
			figure: "seenP99Ms",
			say: milliseconds,
			goal: atMost(p99Ms, milliseconds),
		},
	];
}

function readers(part: string, deliveryMicros: number): readonly Highlight[] {
	const common = { scenario: "readers", part };
	return [
		{
			...common,
			what: `CPU per delivery, 1 person types and ${count(Number(part))} look on`,
			figure: "cpuMsPerDelivery",
			say: microseconds,
			goal: atMost(deliveryMicros / 1000, microseconds),
		},
		{
			...common,
			what: "… edit → others, median",
			figure: "seenP50Ms",
			say: milliseconds,
			goal: { text: "raw ws + 1 ms", isMet: (ours, of) => ours <= of("raw") + 1 },
		},
	];
}

function atMost(most: number, say: Say): Goal {
	return { text: `≤ ${say(most)}`, isMet: (ours) => ours <= most };
}
