import { DocumentLoad, LoadFigures } from "../document-load.ts";
import { generatorFigures } from "../generator-watch.ts";
import { NoiseProcess } from "../noise.ts";
import { noisyTenants } from "../noisy-tenant.ts";
import { type Observed, observe } from "../observe.ts";
import { sleep } from "../pace.ts";
import { chosenParts, defineScenario } from "../scenario.ts";
import { count, generatorUse, milliseconds, percent, times } from "../show.ts";
import { generateDocument } from "../typist.ts";

const quiet = { documents: 20, clientsPerDocument: 2, keystrokesPerSecond: 2 } as const;
const contentCharacters = 4_000;
/** A 99th percentile of fewer edits is one bad moment of the machine. */
const defaultDurationS = 6;
/** Alone and beside the noise in turn, so that what else goes on meets both. */
const rounds = 2;
const warmUpS = 3;
/** Until the noise is at its height. */
const noiseMs = 1_000;

type Typed = Observed<LoadFigures>;
type TenantFigures = ReturnType<typeof figuresOf>;

export const tenantsScenario = defineScenario<TenantFigures>({
	name: "tenants",
	summary: "how long quiet people wait beside a noisy tenant on the same node",
	parts: noisyTenants.map(({ part }) => part),
	explain: ({ durationS = defaultDurationS }) =>
		`${quiet.documents} documents × ${quiet.clientsPerDocument} people, one of whom types ${quiet.keystrokesPerSecond} characters a second, ` +
		`for ${durationS} s alone and for ${durationS} s beside somebody else, ${rounds} times in turn: ${noisyTenants.map(({ part, does }) => `"${part}", ${does}`).join("; ")}.`,
	async measure({ settings, start, progress }) {
		const { durationS = defaultDurationS } = settings;
		const rows = [];
		for (const { part, perSecond } of chosenParts(noisyTenants, settings)) {
			const target = await start();
			const load = await DocumentLoad.open(
				{
					...quiet,
					url: target.url,
					name: `quiet ${part}`,
					contents: generateDocument(contentCharacters),
					keystrokes: (warmUpS + 2 * rounds * durationS) * quiet.keystrokesPerSecond,
				},
				progress,
			);
			const type = (forS: number, what: string): Promise<Typed> =>
				observe(target, () =>
					load.type(forS * quiet.keystrokesPerSecond, (text) => progress(`${part}, ${what}, ${text}`)),
				);
			await type(warmUpS, "warm-up");
			const alone: Typed[] = [];
			const beside: Typed[] = [];
			let noisePerSecond = 0;
			for (let round = 0; round < rounds; round += 1) {
				alone.push(await type(durationS, "alone"));
				const noise = await NoiseProcess.start(part, target.url);
				noise.begin();
				await sleep(noiseMs);
				beside.push(await type(durationS, "beside it"));
				noisePerSecond += (await noise.end()) / rounds;
			}
			await load.close();
			await target.stop();
			rows.push(figuresOf({ part, noise: noisePerSecond / perSecond, alone, beside }));
		}
		return rows;
	},
	charts: {
		of: [
			{
				title: "Edit → others, 99th percentile, alone",
				value: ({ aloneP99Ms }) => aloneP99Ms,
				text: milliseconds,
				scale: "seen",
			},
			{
				title: "The same, beside somebody noisy",
				value: ({ besideP99Ms }) => besideP99Ms,
				text: milliseconds,
				scale: "seen",
			},
			{ title: "Beside it ÷ alone", value: ({ ratio }) => ratio, text: times },
		],
		partTitle: ({ part }) => doesIn(part),
	},
	columns: [
		{ title: "noise", cell: ({ part }) => part },
		{ title: "of what it wants", cell: ({ noise }) => percent(noise) },
		{ title: "edits", aside: true, cell: ({ edits }) => count(edits) },
		{ title: "delivered", cell: ({ delivered }) => percent(delivered) },
		{ title: "to peer p99, alone", cell: ({ aloneP99Ms }) => milliseconds(aloneP99Ms) },
		{ title: "beside it", cell: ({ besideP99Ms }) => milliseconds(besideP99Ms) },
		{ title: "ratio", cell: ({ ratio }) => times(ratio) },
		{ title: "acknowledged p99, alone", cell: ({ savedAloneP99Ms }) => milliseconds(savedAloneP99Ms) },
		{ title: "beside it ", cell: ({ savedBesideP99Ms }) => milliseconds(savedBesideP99Ms) },
		{ title: "CPU, alone", aside: true, cell: ({ aloneCpuShare }) => percent(aloneCpuShare) },
		{ title: "beside it  ", aside: true, cell: ({ besideCpuShare }) => percent(besideCpuShare) },
		{ title: "loop late p99", aside: true, cell: ({ loopDelayP99Ms }) => milliseconds(loopDelayP99Ms) },
		{ title: "generator", aside: true, cell: (row) => generatorUse(row) },
	],
});

interface Neighbours {
	readonly part: string;
	/** How much of the noise was made, of what was to be. */
	readonly noise: number;
	readonly alone: readonly Typed[];
	readonly beside: readonly Typed[];
}

function figuresOf({ part, noise, alone, beside }: Neighbours) {
	const [quietly, noisily] = [together(alone), together(beside)];
	const aloneP99Ms = quietly.seenAfter.percentile(0.99);
	const besideP99Ms = noisily.seenAfter.percentile(0.99);
	const generator = {
		cpuShare: mean(beside, (one) => one.generator.cpuShare),
		loopDelayP99Ms: mean(beside, (one) => one.generator.loopDelayP99Ms),
	};
	return {
		part,
		noise,
		edits: noisily.sent,
		delivered: noisily.seen / (noisily.sent * (quiet.clientsPerDocument - 1)),
		aloneP99Ms,
		besideP99Ms,
		ratio: besideP99Ms / aloneP99Ms,
		aloneP50Ms: quietly.seenAfter.percentile(0.5),
		besideP50Ms: noisily.seenAfter.percentile(0.5),
		savedAloneP99Ms: quietly.acknowledgedAfter.percentile(0.99),
		savedBesideP99Ms: noisily.acknowledgedAfter.percentile(0.99),
		aloneCpuShare: mean(alone, ({ cpuMs, tookMs }) => cpuMs / tookMs),
		besideCpuShare: mean(beside, ({ cpuMs, tookMs }) => cpuMs / tookMs),
		loopDelayP99Ms: mean(beside, (one) => one.loopDelayP99Ms),
		...generatorFigures(generator, besideP99Ms),
		othersCpuShare: mean(beside, (one) => one.othersCpuShare),
	};
}

function doesIn(part: string): string {
	const does = noisyTenants.find((tenant) => tenant.part === part)?.does;
	return does === undefined ? part : `${part}: ${does}`;
}

function together(typed: readonly Typed[]): LoadFigures {
	return LoadFigures.of(typed.map(({ result }) => result));
}

function mean(typed: readonly Typed[], figure: (one: Typed) => number): number {
	return typed.reduce((sum, one) => sum + figure(one), 0) / typed.length;
}
