import { mkdtemp, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type BenchCluster, startCluster } from "./cluster.ts";
import { describeProfiles } from "./profile.ts";
import { showProgress } from "./progress.ts";
import type { BenchSettings, Figures, Scenario } from "./scenario.ts";
import { type TargetName, TargetProcess, targets } from "./target-process.ts";

export interface MeasureOptions extends BenchSettings {
	readonly only: readonly TargetName[] | undefined;
	/** A folder for the servers' own. */
	readonly data: string;
	/** Where CPU profiles go, if there are to be any. */
	readonly profile: string | undefined;
}

export type Row = Figures & { readonly target: string };

/** A target that could not be measured. */
export interface Failure {
	readonly target: string;
	readonly why: string;
}

interface Measured {
	readonly rows: readonly Row[];
	readonly failures: readonly Failure[];
	/** What the CPU profiles show, for people. */
	readonly profiles: readonly string[];
}

const compared: readonly TargetName[] = ["indelible", "stock"];

type Attempt =
	| { readonly target: string; readonly figures: readonly Figures[]; readonly profile: string }
	| Failure;

/** Measures each of a scenario's targets. One that fails does not keep the others from it. */
export async function measure(scenario: Scenario, options: MeasureOptions): Promise<Measured> {
	const attempts = await attemptAll(scenario, chosenTargets(scenario, options), options);
	const rows: Row[] = [];
	const failures: Failure[] = [];
	const profiles: string[] = [];
	for (const attempt of attempts) {
		if ("why" in attempt) {
			failures.push(attempt);
			continue;
		}
		const { target, figures, profile } = attempt;
		rows.push(...figures.map((row) => ({ target, ...row })));
		if (profile !== "") profiles.push(`${target}, time spent in a function itself:\n\n${profile}`);
	}
	return { rows, failures, profiles };
}

function chosenTargets(
	{ targets: usual = compared, moreTargets = [] }: Scenario,
	{ only }: MeasureOptions,
): readonly TargetName[] {
	return only === undefined ? usual : [...usual, ...moreTargets].filter((name) => only.includes(name));
}

async function attemptAll(
	scenario: Scenario,
	names: readonly TargetName[],
	options: MeasureOptions,
): Promise<readonly Attempt[]> {
	const attempt = async (name: TargetName): Promise<Attempt> => {
		const target = targets[name];
		try {
			return { target, ...(await measureTarget(scenario, name, options)) };
		} catch (error) {
			return { target, why: error instanceof Error ? error.message : String(error) };
		}
	};
	if (scenario.isSideBySide) return Promise.all(names.map(attempt));
	const attempts: Attempt[] = [];
	for (const name of names) attempts.push(await attempt(name));
	return attempts;
}

async function measureTarget(
	scenario: Scenario,
	name: TargetName,
	options: MeasureOptions,
): Promise<{ figures: readonly Figures[]; profile: string }> {
	const data = await mkdtemp(join(options.data, "indelible-bench-"));
	const profiles = options.profile === undefined ? undefined : resolve(options.profile, scenario.name, name);
	const flags = profiles === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profiles}`];
	const running: TargetProcess[] = [];
	const clusters: BenchCluster[] = [];
	const progress = showProgress(`${scenario.name}, ${targets[name]}`);
	try {
		const figures = await scenario.measure({
			target: name,
			settings: options,
			async start(port = 0) {
				const started = await TargetProcess.start(name, { data, port }, flags);
				running.push(started);
				return started;
			},
			async startCluster(nodes) {
				const cluster = await startCluster(nodes, data, (settings) =>
					TargetProcess.start(name, { ...settings, port: 0 }, flags),
				);
				clusters.push(cluster);
				return cluster;
			},
			progress: progress.show,
		});
		const shown = profiles === undefined ? [] : running.map((one) => describeProfile(profiles, one));
		return { figures, profile: shown.filter((text) => text !== "").join("\n\n") };
	} finally {
		progress.end();
		for (const started of running) await started.kill();
		for (const cluster of clusters) await cluster.end();
		await rm(data, { recursive: true, force: true });
	}
}

function describeProfile(folder: string, { pid, measuring }: TargetProcess): string {
	return describeProfiles(folder, pid, measuring);
}
