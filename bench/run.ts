import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { describeEnvironment, showEnvironment } from "./environment.ts";
import { type MeasureOptions, measure, type Row } from "./measure.ts";
import { pinGenerator } from "./pinning.ts";
import { saveResult } from "./saved-result.ts";
import type { Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios/index.ts";
import { inParts, table } from "./show.ts";
import { type TargetName, targetNames } from "./target-process.ts";

interface Options extends MeasureOptions {
	readonly save: string | undefined;
}

const defaultProfiles = join(tmpdir(), "indelible-bench-profiles");
/** Far more than any takes. */
const scenarioDeadlineMs = 1_200_000;

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
	.option("--save <folder>", "keep the figures there, as JSON and as a picture for each scenario")
	.option("--data <folder>", "where the servers store; on the disk that is to be measured", tmpdir())
	.option("--profile [folder]", "have the servers write CPU profiles there, and say where time is spent")
	.addHelpText("after", `\nScenarios:\n${scenarios.map(describeScenario).join("\n")}`)
	.action(
		(names: string[], { profile, ...options }: Omit<Options, "profile"> & { profile?: string | true }) =>
			run(choose(names), { ...options, profile: profile === true ? defaultProfiles : profile }),
	);

await program.parseAsync();

async function run(chosen: readonly Scenario[], options: Options): Promise<void> {
	const [first] = chosen;
	if (first !== undefined && chosen.length === 1) await runOne(first, options);
	else await runEach(chosen);
}

/** Each in a process of its own: nothing is left of one when the next begins, and one that fails leaves the others alone. */
async function runEach(chosen: readonly Scenario[]): Promise<void> {
	const startMs = performance.now();
	const failed: string[] = [];
	let done = 0;
	for (const some of sideBySide(chosen)) {
		const names = some.map(({ name }) => name);
		const minutes = Math.round((performance.now() - startMs) / 60_000);
		console.error(`${names.join(", ")} (${done} of ${chosen.length} done, ${minutes} min)`);
		const succeeded = await Promise.all(names.map(runInChild));
		failed.push(...names.filter((_, n) => !succeeded[n]));
		done += some.length;
	}
	if (failed.length === 0) return;
	console.error(`Not all could be measured in ${failed.join(", ")}.`);
	process.exitCode = 1;
}

/** @returns What runs at the same time. */
function sideBySide(chosen: readonly Scenario[]): readonly (readonly Scenario[])[] {
	const groups: Scenario[][] = [];
	for (const scenario of chosen) {
		const last = groups.at(-1);
		if (scenario.isSideBySide && last?.every(({ isSideBySide }) => isSideBySide)) last.push(scenario);
		else groups.push([scenario]);
	}
	return groups;
}

/** @returns Whether it succeeded. */
async function runInChild(name: string): Promise<boolean> {
	const flags = flagsOf(() => true);
	const child = spawn(process.execPath, [fileURLToPath(import.meta.url), name, ...flags], {
		stdio: "inherit",
		timeout: scenarioDeadlineMs,
	});
	const [code] = await once(child, "exit");
	return code === 0;
}

async function runOne(scenario: Scenario, options: Options): Promise<void> {
	pinGenerator();
	const { name } = scenario;
	const environment = describeEnvironment(commandOf(name), options.data);
	console.info(`${showEnvironment(environment)}\n`);
	const { rows, failures, profiles } = await measure(scenario, options);
	console.info(`\n${show(scenario, options, rows)}\n`);
	for (const profile of profiles) console.info(`${profile}\n`);
	for (const { target, why } of failures) console.error(`${name}, ${target}: ${why}`);
	if (failures.length > 0) process.exitCode = 1;
	// What is there from an earlier run is better than nothing.
	if (options.save === undefined || rows.length === 0) return;
	const { date: _, ...where } = environment;
	const result = { scenario: name, description: scenario.explain(options), ...where, rows, failures };
	saveResult(options.save, scenario, result);
}

/** What repeats it: without folders of this machine. */
function commandOf(scenario: string): string {
	const flags = flagsOf((name) => !["save", "data", "profile"].includes(name));
	return ["npm run bench --", scenario, ...flags.map((flag) => basename(flag))].join(" ");
}

/** The options of this command line. */
function flagsOf(isWanted: (name: string) => boolean): readonly string[] {
	return program.options.flatMap((option) => {
		const name = option.attributeName();
		if (!isWanted(name) || program.getOptionValueSource(name) !== "cli") return [];
		const value: unknown = program.getOptionValue(name);
		const flag = option.long ?? "";
		return value === true ? [flag] : [flag, String(value)];
	});
}

function show({ name, columns, ...scenario }: Scenario, options: Options, rows: readonly Row[]): string {
	const titles = [name, ...columns.map(({ title }) => title)];
	const cells = inParts(rows).map((row) => [row.target, ...columns.map(({ cell }) => cell(row, rows))]);
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
	return `  ${name.padEnd(11)}  ${summary}${parts === undefined ? "" : ` (parts ${parts.join(", ")})`}`;
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
