/** What a server tells Prometheus, read. */
export interface MetricsText {
	readonly text: string;
	/** Names of metrics, with their type. */
	readonly types: ReadonlyMap<string, string>;
	/** Names of all series, as queries have them: a histogram has three. */
	readonly series: ReadonlySet<string>;
	/** @param name With its labels, as in the text. @throws when it is not there. */
	value(name: string): number;
	/** The sum over all labels; 0 when there are none yet. */
	sum(name: string): number;
}

/** Reads Prometheus' text format 0.0.4. */
export function readMetrics(text: string): MetricsText {
	const types = new Map<string, string>();
	const values = new Map<string, number>();
	const sums = new Map<string, number>();
	for (const line of text.split("\n")) {
		const [, typed, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
		if (typed !== undefined && type !== undefined) types.set(typed, type);
		const [, name, labels = "", value] = /^([a-z_]+)(\{.*\})? (\S+)$/.exec(line) ?? [];
		if (name === undefined) continue;
		values.set(name + labels, Number(value));
		sums.set(name, (sums.get(name) ?? 0) + Number(value));
	}
	const series = [...types].flatMap(([name, type]) =>
		type === "histogram" ? ["_bucket", "_sum", "_count"].map((part) => name + part) : [name],
	);
	return {
		text,
		types,
		series: new Set(series),
		value(name) {
			const value = values.get(name);
			if (value === undefined) throw new Error(`${name} is not there:\n${text}`);
			return value;
		},
		sum: (name) => sums.get(name) ?? 0,
	};
}

/** Of a node that listens on this machine. */
export async function fetchMetrics(port: number): Promise<MetricsText> {
	return readMetrics(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
}
