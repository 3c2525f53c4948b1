import type { BenchCluster } from "../cluster.ts";
import { largeDocument, nameOfLargeDocument } from "../contents.ts";
import { DocumentLoad, type LoadOptions } from "../document-load.ts";
import { generatorFigures, watchGenerator } from "../generator-watch.ts";
import { sleep } from "../pace.ts";
import { cpuOf } from "../process-usage.ts";
import { type BenchSettings, defineScenario } from "../scenario.ts";
import { settled } from "../settled.ts";
import { bytes, count, generatorUse, milliseconds, times } from "../show.ts";
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
const defaultDurationS = 8;
/** Enough for the programs to have been compiled. */
const warmUp = { edits: 4_000, perSecond: 400 };
const warmUpOfLoad = { edits: 200, perSecond: 100 };

export const twoNodesScenario = defineScenario({
	name: "two-nodes",
	summary: "two nodes: CPU per edit on each, and how long an edit takes to people on the other",
	targets: ["indelible", "stock", "relay"],
	explain: (settings) =>
		`${keystrokesPerSecond} edits a second in each of 1 and 10 documents, all typed on one node and looked at on the other, for ` +
		`${settings.durationS ?? defaultDurationS} s after a warm-up of ${count(warmUp.edits)} edits. Large: ${nameOfLargeDocument(settings)}, small: ` +
		`${count(smallCharacters)} generated characters; sizes are those of Yjs updates. CPU: all threads, user and system, less what the node ` +
		"uses with all of this open and nobody typing (idle).",
	async measure({ startCluster, settings, progress }) {
		const cluster = await startCluster(2);
		const contents = { large: largeDocument(settings), small: generateDocument(smallCharacters) };
		progress("warm-up");
		const first = { documents: 1, contents: contents.small, keystrokes: warmUp.edits };
		const warm = await openLoad(cluster, { name: "warm-up", ...first }, progress);
		await warm.type(warmUp.edits, progress, warmUp.perSecond);
		await warm.close();
		const rows = [];
		for (const { size, documents } of loads) {
			const document = { contents: contents[size], name: `${size} ${documents}`, documents };
			rows.push(await measureLoad(cluster, settings, document, progress));
		}
		await cluster.end();
		return rows;
	},
	charts: {
		of: [
			{
				title: "CPU per edit, author's node",
				value: (row) => row.authorCpuMs,
				text: milliseconds,
				scale: "CPU",
			},
			{ title: "CPU per edit, other node", value: (row) => row.otherCpuMs, text: milliseconds, scale: "CPU" },
			{
				title: "Edit → people on the other node, 99th percentile",
				value: (row) => row.seenP99Ms,
				text: milliseconds,
			},
		],
		partTitle: (row) =>
			`${count(row.documents)} ${row.documents === 1 ? "document" : "documents"} of ${bytes(row.documentBytes)}, ${count(row.rate)} edits a second`,
		note: "The bare relay keeps no documents: it passes each edit on and inserts it into a table.",
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
		{ title: "generator", aside: true, cell: (row) => generatorUse(row) },
	],
});

type Documents = Pick<LoadOptions, "name" | "documents" | "contents">;
type Progress = (text: string) => void;

function openLoad(
	{ nodes: [author, other] }: BenchCluster,
	documents: Documents & Pick<LoadOptions, "keystrokes">,
	progress: Progress,
): Promise<DocumentLoad> {
	if (author === undefined || other === undefined) throw new Error("it takes two nodes");
	const urls = { url: author.url, onlookersUrl: other.url };
	return DocumentLoad.open({ ...urls, clientsPerDocument: 2, keystrokesPerSecond, ...documents }, progress);
}

async function measureLoad(
	cluster: BenchCluster,
	{ durationS = defaultDurationS }: BenchSettings,
	load: Documents,
	progress: Progress,
) {
	const { documents, contents } = load;
	const warmUpKeystrokes = warmUpOfLoad.edits / documents;
	const keystrokes = Math.ceil(durationS * keystrokesPerSecond);
	const people = await openLoad(cluster, { ...load, keystrokes: warmUpKeystrokes + keystrokes }, progress);
	await people.type(warmUpKeystrokes, progress, warmUpOfLoad.perSecond / documents);
	progress("waiting until all is saved");
	await Promise.all(cluster.nodes.map(settled));
	progress("idle");
	const idle = await cpuOf(cluster.nodes, () => sleep((durationS * 1000) / 2));
	const watch = watchGenerator("processor");
	const typed = await cpuOf(cluster.nodes, () => people.type(keystrokes, progress));
	const generator = watch.end();
	await people.close();

	const { sent, seen, seenAfter, acknowledgedAfter } = typed.result;
	const idlePerMs = idle.cpuMs.map((ms) => ms / idle.tookMs);
	const perEdit = typed.cpuMs.map((ms, n) => (ms - (idlePerMs[n] ?? 0) * typed.tookMs) / sent);
	const [authorCpuMs = Number.NaN, otherCpuMs = Number.NaN] = perEdit;
	const [authorIdleMs = Number.NaN, otherIdleMs = Number.NaN] = idlePerMs.map((ms) => ms * 1000);
	const [authorCpuWithIdleMs, otherCpuWithIdleMs] = typed.cpuMs.map((ms) => ms / sent);
	return {
		documentBytes: contents.byteLength,
		part: `${bytes(contents.byteLength)}, ${documents * keystrokesPerSecond} edits a second`,
		documents,
		rate: documents * keystrokesPerSecond,
		edits: sent,
		authorCpuMs,
		authorCpuWithIdleMs,
		authorIdleMs,
		otherCpuMs,
		otherCpuWithIdleMs,
		otherIdleMs,
		seenP50Ms: seenAfter.percentile(0.5),
		seenP99Ms: seenAfter.percentile(0.99),
		acknowledgedP50Ms: acknowledgedAfter.percentile(0.5),
		acknowledgedP99Ms: acknowledgedAfter.percentile(0.99),
		delivered: seen / sent,
		...generatorFigures(generator, seenAfter.percentile(0.99)),
	};
}

/** The first row with the same load, which is Indelible's. */
function same<F extends { documentBytes: number; rate: number }>(row: F, rows: readonly F[]): F {
	return (
		rows.find(({ documentBytes, rate }) => documentBytes === row.documentBytes && rate === row.rate) ?? row
	);
}
