import type { RedisTotals } from "../cluster.ts";
import { DocumentLoad } from "../document-load.ts";
import { generatorFigures, watchGenerator } from "../generator-watch.ts";
import { sleep } from "../pace.ts";
import { type Bench, defineScenario } from "../scenario.ts";
import { settled } from "../settled.ts";
import { bytes, count, each, generatorUse } from "../show.ts";
import { generateDocument } from "../typist.ts";

const sizes = [10, 1_000] as const;
const editsPerSecond = 100;
const contentCharacters = 4_000;
const defaultDurationS = 15;
/** So much longer is it watched while nobody types: nodes compare documents every 30 s. */
const idleTimes = 2;

export const busScenario = defineScenario({
	name: "bus",
	isSideBySide: true,
	summary: "commands and bytes that an edit costs Redis",
	explain: ({ durationS = defaultDurationS }) =>
		`${sizes.map(count).join(" and ")} documents of ${count(contentCharacters)} characters that are open on two nodes; all together get ` +
		`${editsPerSecond} edits a second on one of them for ${durationS} s. Redis' own counters, less what it counts in as much time in which nobody ` +
		"types (idle). Both servers at the same time.",
	async measure(bench) {
		const rows = [];
		for (const documents of sizes) rows.push(await measureDocuments(bench, documents));
		return rows;
	},
	charts: {
		of: [
			{ title: "Redis commands per edit", value: (row) => row.commandsPerEdit, text: each },
			{
				title: "Bytes to and from Redis per edit",
				value: (row) => row.inputBytesPerEdit + row.outputBytesPerEdit,
				text: bytes,
			},
		],
	},
	columns: [
		{ title: "documents", cell: (row) => count(row.documents) },
		{ title: "commands / edit", cell: (row) => each(row.commandsPerEdit) },
		{ title: "most of all", cell: ({ mostUsed }) => mostUsed },
		{ title: "to Redis / edit", cell: (row) => bytes(row.inputBytesPerEdit) },
		{ title: "from Redis / edit", cell: (row) => bytes(row.outputBytesPerEdit) },
		{ title: "idle commands / s", cell: (row) => each(row.idleCommandsPerSecond) },
		{
			title: "idle to, from Redis / s",
			cell: (row) => `${bytes(row.idleInputBytesPerSecond)}, ${bytes(row.idleOutputBytesPerSecond)}`,
		},
		{ title: "generator", aside: true, cell: (row) => generatorUse(row) },
	],
});

async function measureDocuments(
	{ startCluster, settings: { durationS = defaultDurationS }, progress }: Bench,
	documents: number,
) {
	const { nodes, redis, end } = await startCluster(2);
	const [author, other] = nodes;
	if (author === undefined || other === undefined) throw new Error("a cluster of two has two nodes");
	const keystrokesPerSecond = editsPerSecond / documents;
	const keystrokes = Math.max(1, Math.round(durationS * keystrokesPerSecond));
	const load = await DocumentLoad.open(
		{
			url: author.url,
			onlookersUrl: other.url,
			documents,
			clientsPerDocument: 2,
			keystrokesPerSecond,
			contents: generateDocument(contentCharacters),
			keystrokes: keystrokes + 1,
		},
		progress,
	);
	await load.type(1, progress);
	progress("waiting until all is saved");
	await Promise.all(nodes.map(settled));
	progress("idle");
	const before = await redis.totals();
	const idleS = durationS * idleTimes;
	await sleep(idleS * 1000);
	const idle = totalsBetween(before, await redis.totals());

	const beforeTyping = await redis.totals();
	const startedMs = performance.now();
	const watch = watchGenerator("processor");
	const { sent } = await load.type(keystrokes, progress);
	const generator = watch.end();
	const tookS = (performance.now() - startedMs) / 1000;
	const typed = totalsBetween(beforeTyping, await redis.totals());
	await load.close();
	await end();

	const idlePerSecond = (figure: (totals: RedisTotals) => number) => figure(idle) / idleS;
	const perEdit = (figure: (totals: RedisTotals) => number) =>
		(figure(typed) - idlePerSecond(figure) * tookS) / sent;
	return {
		part: `${count(documents)} documents`,
		documents,
		edits: sent,
		commandsPerEdit: perEdit(commandsIn),
		mostUsed: mostUsed(typed, sent),
		inputBytesPerEdit: perEdit(({ inputBytes }) => inputBytes),
		outputBytesPerEdit: perEdit(({ outputBytes }) => outputBytes),
		idleCommandsPerSecond: idlePerSecond(commandsIn),
		idleInputBytesPerSecond: idlePerSecond(({ inputBytes }) => inputBytes),
		idleOutputBytesPerSecond: idlePerSecond(({ outputBytes }) => outputBytes),
		...generatorFigures(generator),
	};
}

function totalsBetween(before: RedisTotals, after: RedisTotals): RedisTotals {
	return {
		commands: new Map(
			[...after.commands].map(([name, calls]) => [name, calls - (before.commands.get(name) ?? 0)]),
		),
		inputBytes: after.inputBytes - before.inputBytes,
		outputBytes: after.outputBytes - before.outputBytes,
	};
}

function commandsIn({ commands }: RedisTotals): number {
	return [...commands.values()].reduce((sum, calls) => sum + calls, 0);
}

/** The three commands that were called most often, and how often for each edit. */
function mostUsed({ commands }: RedisTotals, edits: number): string {
	return [...commands]
		.filter(([, calls]) => calls / edits >= 0.005)
		.sort(([, a], [, b]) => b - a)
		.slice(0, 3)
		.map(([name, calls]) => `${name} ${each(calls / edits)}`)
		.join(", ");
}
