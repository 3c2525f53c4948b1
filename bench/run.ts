import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { drawCharts } from "./chart.ts";
import { describeEnvironment, showEnvironment } from "./environment.ts";
import { type MeasureOptions, measure, type Row } from "./measure.ts";
import { pinGenerator } from "./pinning.ts";
import type { Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios/index.ts";
import { table } from "./show.ts";
import { type TargetName, targetNames } from "./target-process.ts";

interface Options extends MeasureOptions {
	readonly json: string | undefined;
	readonly charts: string | undefined;
}

const defaultProfiles = join(tmpdir(), "indelible-bench-profiles");

const program = new Command("npm run bench --")
	.description("Measures Indelible beside the stock server, on the same machine, in the same run.")
	.argument("[scenarios...]", "which ones; all by default")
	.option("--duration-s <seconds>", "how long to measure, where that is free", seconds)
	.option(
		"--trace <path>",
		"what documents hold: a Yjs V2 update with a root Y.Text named text; or a recorded history (.json.gz), which `writers` replays",
	)
	.option("--rhythm <path>", "editing trace with times, gzipped JSON (bytes)")
	.option(
		"--only <targets>",
		`measure these alone, with commas between: ${targetNames.join(", ")}`,
		targetsIn,
	)
	.option("--part <parts>", "these parts of a scenario alone, with commas between", listIn)
	.option("--json <path>", "write the figures there as well")
	.option("--charts <folder>", "draw them there, a picture for each scenario")
	.option("--data <folder>", "where the servers store; on the disk that is to be measured", tmpdir())
	.option("--commit-delay-ms <ms>", "our setting of that name", "0")
	.option("--profile [folder]", "have the servers write CPU profiles there, and say where time is spent")
	.addHelpText("after", `\nScenarios:\n${scenarios.map(describeScenario).join("\n")}`)
	.action(
		(names: string[], { profile, ...options }: Omit<Options, "profile"> & { profile?: string | true }) =>
			run(choose(names), { ...options, profile: profile === true ? defaultProfiles : profile }),
	);

await program.parseAsync();

async function run(chosen: readonly Scenario[], options: Options): Promise<void> {
	pinGenerator();
	const environment = describeEnvironment();
	console.info(`${showEnvironment(environment)}\n`);
	const results = [];
	for (const scenario of chosen) {
		const { rows, failures, profiles } = await measure(scenario, options);
		console.info(`\n${show(scenario, options, rows)}\n`);
		for (const profile of profiles) console.info(`${profile}\n`);
		for (const { target, why } of failures) console.error(`${scenario.name}, ${target}: ${why}`);
		if (failures.length > 0) process.exitCode = 1;
		if (options.charts !== undefined) await draw(scenario, options.charts, rows);
		results.push({ scenario: scenario.name, description: scenario.explain(options), rows, failures });
	}
	if (options.json === undefined) return;
	await writeFile(options.json, `${JSON.stringify({ environment, results }, null, "\t")}\n`);
}

async function draw(
	{ name, summary, charts }: Scenario,
	folder: string,
	rows: readonly Row[],
): Promise<void> {
	if (charts === undefined || rows.length === 0) return;
	await mkdir(folder, { recursive: true });
	await writeFile(join(folder, `${name}.svg`), drawCharts(`${name}: ${summary}`, charts, rows));
}

function show({ name, columns, ...scenario }: Scenario, options: Options, rows: readonly Row[]): string {
	const titles = [name, ...columns.map(({ title }) => title)];
	const cells = rows.map((row) => [row.target, ...columns.map(({ cell }) => cell(row, rows))]);
	return `${scenario.explain(options)}\n\n${table(titles, cells)}`;
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
