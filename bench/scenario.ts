import type { Charts } from "./chart.ts";
import type { BenchCluster } from "./cluster.ts";
import type { TargetName, TargetProcess } from "./target-process.ts";

/** What the command line says about a run; a scenario reads what concerns it. */
export interface BenchSettings {
	/** How long to measure, in s; `undefined` for the scenario's own. */
	readonly durationS: number | undefined;
	/** Path of a large document: a Yjs V2 update with a root `Y.Text` "text". */
	readonly trace: string | undefined;
	/** Path of a trace with times. */
	readonly rhythm: string | undefined;
	/** Names of the parts of a scenario that are wanted; all by default. */
	readonly part: readonly string[] | undefined;
}

/** Figures of one run, by name, as they go into the JSON. */
export type Figures = Readonly<Record<string, number | string | undefined>>;

/** What a scenario has to work with. */
export interface Bench {
	readonly target: TargetName;
	readonly settings: BenchSettings;
	/**
	 * Starts the target on a data folder that lives as long as this run; again, after a kill, on the same one.
	 * @param port TCP port; any by default.
	 */
	start(port?: number): Promise<TargetProcess>;
	/** Starts several of the target that share a Redis and a PostgreSQL. All of it is ended after this run. */
	startCluster(nodes: number): Promise<BenchCluster>;
	/** Shows how far it is. */
	progress(text: string): void;
}

export interface Column<F extends Figures> {
	readonly title: string;
	/** Whether it is only for those who want to know everything. */
	readonly aside?: true;
	/** @param rows All rows of the table, for comparisons. */
	cell(row: F, rows: readonly F[]): string;
}

export interface Scenario<F extends Figures = Figures> {
	readonly name: string;
	readonly summary: string;
	/** What is measured; Indelible and the stock server by default. */
	readonly targets?: readonly TargetName[];
	/** What is measured as well when `--only` asks for it. */
	readonly moreTargets?: readonly TargetName[];
	/**
	 * Whether its targets are measured at the same time, as they mostly wait and next to nothing that is measured is time; and with its neighbours in
	 * the list, if they are like that.
	 */
	readonly isSideBySide?: true;
	/** What `--part` can choose. */
	readonly parts?: readonly string[];
	/** What was done, with its numbers, for whoever reads the table. */
	explain(settings: BenchSettings): string;
	/** @returns A row of the table, or several. */
	measure(bench: Bench): Promise<readonly F[]>;
	readonly columns: readonly Column<F & { readonly target: string }>[];
	readonly charts: Charts<F & { readonly target: string }>;
}

export function defineScenario<F extends Figures>(scenario: Scenario<F>): Scenario<F> {
	return scenario;
}

interface PartOfScenario {
	readonly part: string;
	/** Whether it is measured only when `--part` asks for it. */
	readonly onRequest?: true;
}

/** Those that the command line wants. */
export function chosenParts<P extends PartOfScenario>(
	parts: readonly P[],
	{ part: wanted }: BenchSettings,
): readonly P[] {
	return parts.filter(({ part, onRequest }) => (wanted === undefined ? !onRequest : wanted.includes(part)));
}
