import { largeDocument, nameOfLargeDocument } from "../contents.ts";
import { DocumentLoad } from "../document-load.ts";
import { sleep } from "../pace.ts";
import { cpuOf } from "../process-usage.ts";
import { type Bench, defineScenario } from "../scenario.ts";
import { bytes, count, milliseconds, times } from "../show.ts";
import { generateDocument } from "../typist.ts";

const keystrokesPerSecond = 20;
const loads = [
	{ size: "large", documents: 1 },
	{ size: "small", documents: 1 },
	{ size: "large", documents: 10 },
	{ size: "small", documents: 10 },
] as const;
/** Makes about 5 kB. */
const smallCharacters = 2_100;
const defaultDurationS = 30;
/** Enough for the programs to have been compiled, by all documents together. */
const warmUpEdits = 1_000;
const warmUpEditsPerSecond = 100;
/** After opening: the stock server saves within 10 s, and ours compares documents with other nodes. */
const settleMs = 11_000;

export const twoNodesScenario = defineScenario({
	name: "two-nodes",
	summary: "two nodes: CPU per edit on each, and how long an edit takes to people on the other",
	explain: (settings) =>
		`${keystrokesPerSecond} edits a second in each of 1 and 10 documents, all typed on one node and looked at on the other, for ` +
		`${settings.durationS ?? defaultDurationS} s after a warm-up of ${count(warmUpEdits)} edits. Large: ${nameOfLargeDocument(settings)}, small: ` +
		`${count(smallCharacters)} generated characters; sizes are those of Yjs updates. CPU: all threads, user and system, less what the node uses with all of this ` +
		"open and nobody typing.",
	async measure(bench) {
		const rows = [];
		for (const load of loads) rows.push(await measureLoad(bench, load));
		return rows;
	},
	columns: [
		{ title: "document", cell: (row) => bytes(row.documentBytes) },
		{ title: "edits / s", cell: (row) => String(row.rate) },
		{ title: "CPU / edit, author's node", cell: (row) => milliseconds(row.authorCpuMs) },
		{
			title: "of Indelible's",
			cell: (row, rows) => times(row.authorCpuMs / same(row, rows).authorCpuMs),
		},
		{ title: "other node", cell: (row) => milliseconds(row.otherCpuMs) },
		{ title: "of Indelible's", cell: (row, rows) => times(row.otherCpuMs / same(row, rows).otherCpuMs) },
		{
			title: "idle CPU / s",
			cell: (row) => `${milliseconds(row.authorIdleMs)}, ${milliseconds(row.otherIdleMs)}`,
		},
		{
			title: "to peer p50, p99",
			cell: (row) => `${milliseconds(row.seenP50Ms)}, ${milliseconds(row.seenP99Ms)}`,
		},
		{
			title: "acknowledged p50, p99",
			cell: (row) => `${milliseconds(row.acknowledgedP50Ms)}, ${milliseconds(row.acknowledgedP99Ms)}`,
		},
		{ title: "delivered", cell: ({ delivered }) => `${(delivered * 100).toFixed(2)} %` },
	],
});

async function measureLoad(
	{ startCluster, settings, progress }: Bench,
	{ size, documents }: (typeof loads)[number],
) {
	const { durationS = defaultDurationS } = settings;
	const { nodes, end } = await startCluster(2);
	const [author, other] = nodes;
	if (author === undefined || other === undefined) throw new Error("a cluster of two has two nodes");
	const contents = size === "large" ? largeDocument(settings) : generateDocument(smallCharacters);
	const load = await DocumentLoad.open(
		{
			url: author.url,
			onlookersUrl: other.url,
			documents,
			clientsPerDocument: 2,
			keystrokesPerSecond,
			contents,
			keystrokes: warmUpEdits / documents + durationS * keystrokesPerSecond,
		},
		progress,
	);
	await load.type(
		warmUpEdits / documents,
		(text) => progress(`warm-up, ${text}`),
		warmUpEditsPerSecond / documents,
	);
	progress("waiting until all is saved");
	await sleep(settleMs);
	progress("idle");
	const idle = await cpuOf(nodes, () => sleep(durationS * 1000));

	let typed: Awaited<ReturnType<typeof load.type>> | undefined;
	const startedMs = performance.now();
	const used = await cpuOf(nodes, async () => {
		typed = await load.type(durationS * keystrokesPerSecond, progress);
	});
	const tookS = (performance.now() - startedMs) / 1000;
	await load.close();
	await end();
	if (typed === undefined) throw new Error("nothing was typed");
	const { sent, seen, seenAfter, acknowledgedAfter } = typed;
	const [authorUsedMs = Number.NaN, otherUsedMs = Number.NaN] = used;
	const [authorIdleMs = Number.NaN, otherIdleMs = Number.NaN] = idle.map((ms) => ms / durationS);
	return {
		documentBytes: contents.byteLength,
		documents,
		rate: documents * keystrokesPerSecond,
		edits: sent,
		authorCpuMs: (authorUsedMs - authorIdleMs * tookS) / sent,
		authorCpuWithIdleMs: authorUsedMs / sent,
		authorIdleMs,
		otherCpuMs: (otherUsedMs - otherIdleMs * tookS) / sent,
		otherCpuWithIdleMs: otherUsedMs / sent,
		otherIdleMs,
		seenP50Ms: seenAfter.percentile(0.5),
		seenP99Ms: seenAfter.percentile(0.99),
		acknowledgedP50Ms: acknowledgedAfter.percentile(0.5),
		acknowledgedP99Ms: acknowledgedAfter.percentile(0.99),
		delivered: seen / sent,
	};
}

/** The first row with the same load, which is Indelible's. */
function same<F extends { documentBytes: number; rate: number }>(row: F, rows: readonly F[]): F {
	return (
		rows.find(({ documentBytes, rate }) => documentBytes === row.documentBytes && rate === row.rate) ?? row
	);
}
