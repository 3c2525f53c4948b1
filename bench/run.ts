import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { type BenchCluster, startCluster } from "./cluster.ts";
import { describeEnvironment, showEnvironment } from "./environment.ts";
import { pinGenerator } from "./pinning.ts";
import type { BenchSettings, Figures, Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios/index.ts";
import { table } from "./show.ts";
import { type TargetName, TargetProcess, targetNames, targets } from "./target-process.ts";

interface Options extends BenchSettings {
	readonly durationS: number | undefined;
	readonly only: readonly TargetName[] | undefined;
	readonly json: string | undefined;
	readonly data: string;
	readonly cpuProf: string | undefined;
	readonly commitDelayMs: string;
}

type Row = Figures & { readonly target: string };

const compared: readonly TargetName[] = ["indelible", "stock"];
const progressIntervalMs = 100;

const program = new Command("npm run bench --")
	.description("Measures Indelible beside the stock server, on the same machine, in the same run.")
	.argument("[scenarios...]", "which ones; all by default")
	.option("--duration-s <seconds>", "how long to measure, where that is free", seconds)
	.option("--trace <path>", "large document: a Yjs V2 update with a root Y.Text named text (bytes)")
	.option("--rhythm <path>", "editing trace with times, gzipped JSON (bytes)")
	.option(
		"--only <targets>",
		`measure these alone, with commas between: ${targetNames.join(", ")}`,
		targetsIn,
	)
	.option("--part <parts>", "these parts of a scenario alone, with commas between", listIn)
	.option("--json <path>", "write the figures there as well")
	.option("--data <folder>", "where the servers store; on the disk that is to be measured", tmpdir())
	.option("--commit-delay-ms <ms>", "our setting of that name", "0")
	.option("--cpu-prof <folder>", "have each server write a CPU profile there when it stops")
	.addHelpText("after", `\nScenarios:\n${scenarios.map(describeScenario).join("\n")}`)
	.action((names: string[], options: Options) => run(choose(names), options));

await program.parseAsync();

async function run(chosen: readonly Scenario[], options: Options): Promise<void> {
	pinGenerator();
	const environment = describeEnvironment();
	console.info(`${showEnvironment(environment)}\n`);
	const results = [];
	for (const scenario of chosen) {
		const rows = await measure(scenario, options);
		console.info(`\n${show(scenario, options, rows)}\n`);
		results.push({ scenario: scenario.name, description: scenario.explain(options), rows });
	}
	if (options.json === undefined) return;
	await writeFile(options.json, `${JSON.stringify({ environment, results }, null, "\t")}\n`);
}

async function measure(scenario: Scenario, options: Options): Promise<readonly Row[]> {
	const rows: Row[] = [];
	for (const target of scenario.targets ?? compared) {
		if (options.only !== undefined && !options.only.includes(target)) continue;
		const data = await mkdtemp(join(options.data, "indelible-bench-"));
		const flags =
			options.cpuProf === undefined
				? []
				: ["--cpu-prof", `--cpu-prof-dir=${resolve(options.cpuProf, target)}`];
		const commitDelayMs = Number(options.commitDelayMs);
		const running: TargetProcess[] = [];
		const clusters: BenchCluster[] = [];
		const progress = showProgress(`${scenario.name}, ${targets[target]}`);
		try {
			const start = async (port = 0) => {
				const started = await TargetProcess.start(target, { data, port, commitDelayMs }, flags);
				running.push(started);
				return started;
			};
			const startSharing = async (nodes: number) => {
				const cluster = await startCluster(nodes, data, (settings) =>
					TargetProcess.start(target, { ...settings, port: 0, commitDelayMs }, flags),
				);
				clusters.push(cluster);
				return cluster;
			};
			const measured = await scenario.measure({
				target,
				settings: options,
				start,
				startCluster: startSharing,
				progress: progress.show,
			});
			rows.push(...measured.map((figures) => ({ target: targets[target], ...figures })));
		} finally {
			progress.end();
			for (const started of running) await started.kill();
			for (const cluster of clusters) await cluster.end();
			await rm(data, { recursive: true, force: true });
		}
	}
	return rows;
}

function show({ name, columns, ...scenario }: Scenario, options: Options, rows: readonly Row[]): string {
	const titles = [name, ...columns.map(({ title }) => title)];
	const cells = rows.map((row) => [row.target, ...columns.map(({ cell }) => cell(row, rows))]);
	return `${scenario.explain(options)}\n\n${table(titles, cells)}`;
}

/** One line on a terminal that is written over; on anything else a line per target. */
function showProgress(title: string): { show: (text: string) => void; end: () => void } {
	const { stderr } = process;
	if (!stderr.isTTY) {
		stderr.write(`${title} …\n`);
		return { show: () => {}, end: () => {} };
	}
	let shownMs = Number.NEGATIVE_INFINITY;
	const clear = () => stderr.write("\r\u001b[K");
	return {
		show(text) {
			if (performance.now() - shownMs < progressIntervalMs) return;
			shownMs = performance.now();
			clear();
			stderr.write(`${title}: ${text}`);
		},
		end: clear,
	};
}

function choose(names: readonly string[]): readonly Scenario[] {
	if (names.length === 0) return scenarios;
	return names.map((name) => {
		const found = scenarios.find((scenario) => scenario.name === name);
		if (found === undefined) {
			const known = scenarios.map((scenario) => scenario.name).join(", ");
			return program.error(`there is no scenario "${name}"; there are: ${known}`, { exitCode: 2 });
		}
		return found;
	});
}

function describeScenario({ name, summary, parts }: Scenario): string {
	return `  ${name.padEnd(10)}  ${summary}${parts === undefined ? "" : ` (parts ${parts.join(", ")})`}`;
}

function listIn(text: string): readonly string[] {
	return text.split(",").map((name) => name.trim());
}

function targetsIn(text: string): readonly TargetName[] {
	return listIn(text).map((name) => {
		const target = targetNames.find((known) => known === name);
		if (target === undefined) throw new InvalidArgumentError(`there are: ${targetNames.join(", ")}.`);
		return target;
	});
}

function seconds(text: string): number {
	const value = Number(text);
	if (!(value > 0)) throw new InvalidArgumentError("it must be a number of seconds above 0.");
	return value;
}
