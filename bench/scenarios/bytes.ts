import { basename } from "node:path";
import { largeDocument, nameOfLargeDocument } from "../contents.ts";
import { generatorFigures, watchGenerator } from "../generator-watch.ts";
import { at, quiet } from "../pace.ts";
import { usageBetween } from "../process-usage.ts";
import { invented, type Rhythm, readRhythm } from "../rhythm.ts";
import { type BenchSettings, defineScenario } from "../scenario.ts";
import { bytes, generatorUse, milliseconds, times } from "../show.ts";
import type { TargetProcess } from "../target-process.ts";
import { writeScript } from "../typist.ts";
import { updateFrame, WireClient } from "../wire-client.ts";

/** A generated document has about as many bytes as this has characters. */
const generatedCharacters = 270_000;
const documentName = "a long one";
const clientId = 77;
const defaultDurationS = 60;
const warmUpKeystrokes = 10;
/** Longer than the stock server waits before it saves. */
const quietMs = 12_000;
const quietDeadlineMs = 120_000;
/** What WebSocket puts before a short message. */
const socketHeaderBytes = 2;

export const bytesScenario = defineScenario({
	name: "bytes",
	isSideBySide: true,
	targets: ["indelible", "indelible-delayed", "stock"],
	summary: "bytes written to disk per keystroke in a document of half a megabyte",
	explain(settings) {
		const document = nameOfLargeDocument(settings);
		const rhythm =
			settings.rhythm === undefined
				? "bursts of 10 to 40 keystrokes, 5 a second, pauses of 1 to 6 s"
				: basename(settings.rhythm);
		const { length } = rhythmOf(settings);
		return (
			`One person types ${length} keystrokes into ${document} (${bytes(largeDocument(settings, generatedCharacters).byteLength)} as a Yjs ` +
			`update), rhythm: ${rhythm}. Bytes are counted from the first keystroke until ` +
			"the server was closed. All servers at the same time, as they mostly wait."
		);
	},
	async measure({ settings, start, progress }) {
		progress("making the document");
		const contents = largeDocument(settings, generatedCharacters);
		const rhythm = rhythmOf(settings);
		const script = writeScript(contents, { clientId, count: warmUpKeystrokes + rhythm.length });
		const allFrames = script.keystrokes.map((update) => updateFrame(documentName, update));
		const frames = allFrames.slice(warmUpKeystrokes);

		progress("storing the document");
		await visit(await start(), { contents });
		// What was put off while the document was stored (merging, checkpoints) must not count for a keystroke.
		await visit(await start(), { frames: allFrames.slice(0, warmUpKeystrokes) });

		const target = await start();
		let acknowledged = 0;
		const client = await WireClient.open({
			url: target.url,
			documentName,
			onAcknowledged: () => (acknowledged += 1),
		});
		await quietDisk(target);

		const before = target.usage();
		const cpuMsBefore = target.processorMs();
		const totalsBefore = await target.totals();
		const { receivedBytes, receivedFrames } = client;
		const generating = watchGenerator();
		await at(rhythm, (n) => {
			client.send(frames[n] ?? new Uint8Array());
			progress(`keystroke ${n + 1} of ${frames.length}`);
		});
		const generator = generating.end();
		progress("waiting until all is saved");
		await quietDisk(target);
		if (acknowledged < frames.length)
			throw new Error(`${frames.length - acknowledged} edits were not acknowledged`);
		const cpuMs = target.processorMs() - cpuMsBefore;
		const totals = await target.totals();
		await client.close();
		await quietDisk(target);
		const used = usageBetween(before, await target.close());
		await target.end();
		const sentBytes =
			client.receivedBytes - receivedBytes + (client.receivedFrames - receivedFrames) * socketHeaderBytes;
		const keystrokes = frames.length;
		return [
			{
				keystrokes,
				commits: totals.commits - totalsBefore.commits,
				writtenBytesPerKeystroke: (used.passedBytes - sentBytes) / keystrokes,
				dirtiedBytesPerKeystroke: used.dirtiedBytes / keystrokes,
				cpuMsPerKeystroke: cpuMs / keystrokes,
				...generatorFigures(generator),
			},
		];
	},
	charts: {
		of: [
			{ title: "Written per keystroke", value: (row) => row.writtenBytesPerKeystroke, text: bytes },
			{ title: "Pages made dirty per keystroke", value: (row) => row.dirtiedBytesPerKeystroke, text: bytes },
			{ title: "CPU per keystroke", value: (row) => row.cpuMsPerKeystroke, text: milliseconds },
		],
	},
	columns: [
		{ title: "commits", cell: ({ commits }) => String(commits) },
		{ title: "written / keystroke", cell: (row) => bytes(row.writtenBytesPerKeystroke) },
		{
			title: "of Indelible's",
			cell: (row, [first]) =>
				times(row.writtenBytesPerKeystroke / (first?.writtenBytesPerKeystroke ?? Number.NaN)),
		},
		{ title: "dirtied / keystroke", cell: (row) => bytes(row.dirtiedBytesPerKeystroke) },
		{
			title: "of Indelible's",
			cell: (row, [first]) =>
				times(row.dirtiedBytesPerKeystroke / (first?.dirtiedBytesPerKeystroke ?? Number.NaN)),
		},
		{ title: "CPU / keystroke", cell: (row) => milliseconds(row.cpuMsPerKeystroke) },
		{ title: "generator", aside: true, cell: (row) => generatorUse(row) },
	],
});

/** Has somebody open the document, bring something along, and leave; and the server end when its disk is quiet. */
async function visit(
	target: TargetProcess,
	{ contents, frames = [] }: { contents?: Uint8Array; frames?: readonly Uint8Array[] },
): Promise<void> {
	const client = await WireClient.open({ url: target.url, documentName, ...(contents && { contents }) });
	for (const frame of frames) client.send(frame);
	await quietDisk(target);
	await client.close();
	await quietDisk(target);
	await target.stop();
}

function quietDisk(target: TargetProcess): Promise<void> {
	return quiet(() => target.usage().dirtiedBytes, { forMs: quietMs, deadlineMs: quietDeadlineMs });
}

function rhythmOf({ rhythm, durationS = defaultDurationS }: BenchSettings): Rhythm {
	return rhythm === undefined ? invented(durationS * 1000) : readRhythm(rhythm, durationS * 1000);
}
