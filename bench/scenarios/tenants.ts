import { DocumentLoad, type LoadFigures } from "../document-load.ts";
import { noisyTenants } from "../noisy-tenant.ts";
import { sleep } from "../pace.ts";
import { chosenParts, defineScenario } from "../scenario.ts";
import { count, milliseconds, percent, times } from "../show.ts";
import { generateDocument } from "../typist.ts";

const quiet = { documents: 20, clientsPerDocument: 2, keystrokesPerSecond: 2 } as const;
const contentCharacters = 4_000;
const defaultDurationS = 15;
const warmUpS = 3;
/** Until the noise is at its height. */
const noiseMs = 3_000;

export const tenantsScenario = defineScenario({
	name: "tenants",
	summary: "how long quiet people wait beside a noisy tenant on the same node",
	parts: noisyTenants.map(({ part }) => part),
	explain: ({ durationS = defaultDurationS }) =>
		`${quiet.documents} documents × ${quiet.clientsPerDocument} people, one of whom types ${quiet.keystrokesPerSecond} characters a second, ` +
		`for ${durationS} s alone and for ${durationS} s beside somebody else: ${noisyTenants.map(({ part, does }) => `"${part}", ${does}`).join("; ")}.`,
	async measure({ settings, start, progress }) {
		const { durationS = defaultDurationS } = settings;
		const rows = [];
		for (const { part, make } of chosenParts(noisyTenants, settings)) {
			const target = await start();
			const load = await DocumentLoad.open(
				{
					...quiet,
					url: target.url,
					name: `quiet ${part}`,
					contents: generateDocument(contentCharacters),
					keystrokes: (warmUpS + 2 * durationS) * quiet.keystrokesPerSecond,
				},
				progress,
			);
			const type = (forS: number, what: string) =>
				load.type(forS * quiet.keystrokesPerSecond, (text) => progress(`${part}, ${what}, ${text}`));
			await type(warmUpS, "warm-up");
			const alone = await type(durationS, "alone");
			const noise = new AbortController();
			const making = make(target, noise.signal);
			await sleep(noiseMs);
			const beside = await type(durationS, "beside it");
			noise.abort();
			await making;
			await load.close();
			await target.stop();
			rows.push({ part, ...figuresOf(alone, beside) });
		}
		return rows;
	},
	charts: [
		{
			title: "Quiet people beside a noisy tenant: edit to the others, p99",
			value: ({ besideP99Ms }) => besideP99Ms,
			text: milliseconds,
		},
	],
	columns: [
		{ title: "noise", cell: ({ part }) => part },
		{ title: "edits", cell: ({ edits }) => count(edits) },
		{ title: "delivered", cell: ({ delivered }) => percent(delivered) },
		{ title: "to peer p99, alone", cell: ({ aloneP99Ms }) => milliseconds(aloneP99Ms) },
		{ title: "beside it", cell: ({ besideP99Ms }) => milliseconds(besideP99Ms) },
		{ title: "ratio", cell: ({ ratio }) => times(ratio) },
		{ title: "acknowledged p99, alone", cell: ({ savedAloneP99Ms }) => milliseconds(savedAloneP99Ms) },
		{ title: "beside it ", cell: ({ savedBesideP99Ms }) => milliseconds(savedBesideP99Ms) },
	],
});

function figuresOf(alone: LoadFigures, beside: LoadFigures) {
	const aloneP99Ms = alone.seenAfter.percentile(0.99);
	const besideP99Ms = beside.seenAfter.percentile(0.99);
	return {
		edits: beside.sent,
		delivered: beside.seen / (beside.sent * (quiet.clientsPerDocument - 1)),
		aloneP99Ms,
		besideP99Ms,
		ratio: besideP99Ms / aloneP99Ms,
		aloneP50Ms: alone.seenAfter.percentile(0.5),
		besideP50Ms: beside.seenAfter.percentile(0.5),
		savedAloneP99Ms: alone.acknowledgedAfter.percentile(0.99),
		savedBesideP99Ms: beside.acknowledgedAfter.percentile(0.99),
	};
}
