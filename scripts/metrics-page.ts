import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SqliteStore } from "../extensions/durability/index.ts";
import { Metrics } from "../extensions/metrics/index.ts";
import { createNode } from "../server/index.ts";

export const metricsPagePath = fileURLToPath(new URL("../docs/metrics.md", import.meta.url));

const introduction = `# Metrics

<!-- Written by \`npm run docs\` from what a node says at /metrics. -->

Everything that \`GET /metrics\` of a node says, in Prometheus' text format. Names do not change. Nothing in it says who
anybody is or what a document is called. The *bus* is what connects nodes with each other: Redis.

[deploy/prometheus/](../deploy/prometheus) has a scrape configuration and alert rules; what each alert means and what to do is in
[operations](operations.md). [deploy/grafana/indelible.json](../deploy/grafana/indelible.json) is a dashboard to import.

Let Prometheus ask each node itself, not a balancer. Don't let people from outside read it: it tells how much goes on.

A histogram \`x\` has \`x_bucket\`, \`x_sum\` and \`x_count\`, in seconds. 99 of 100 edits were saved within

\`\`\`promql
histogram_quantile(0.99, sum by (le) (rate(indelible_acknowledgement_seconds_bucket[5m])))
\`\`\`

The two histograms of edits start when the bytes of an edit have come out of its socket. Edits that are applied together count as received
with the first of them, so the times may be a little too long, by no more than \`flushIntervalMs\`.
`;

const chapters: readonly { readonly title: string; readonly names: RegExp }[] = [
	{ title: "Between nodes", names: /^indelible_bus_/ },
	{
		title: "People",
		names:
			/^indelible_(ready|degraded|connections(_total|_max)?|documents?(_connections)?|(closes|joins)_total|slow_readers.*|linger.*)$/,
	},
	{
		title: "Edits",
		names: /^indelible_(update.*|deliveries_total|fan_out_seconds|acknowledgement_seconds)$/,
	},
	{
		title: "Store",
		names:
			/^indelible_((backlog|commit|log|compactions?|disk)_.*|accepting_writes|store_failing|unwritable_documents|documents_deleted_total)$/,
	},
	{ title: "Traces", names: /^indelible_(traces|spans_sent|spans_dropped)_total$/ },
	{
		title: "What was refused",
		names: /^indelible_(access_events|limit_events|refused_sockets|deleted_documents_refused)_total$/,
	},
	{
		title: "Process",
		names: /^(process|nodejs)_|^indelible_((event_loop|memory|heap_old|gc)_.*|(received|sent)_bytes_total)$/,
	},
];

interface MetricRow {
	readonly name: string;
	readonly type: string;
	readonly help: string;
}

/** docs/metrics.md, as it is to be: everything that a node with a database of its own and Redis tells. */
export async function metricsPage(): Promise<string> {
	const rows = rowsIn(await textOfANode());
	const parts = chapters.map(({ title }) => {
		const own = rows.filter(({ name }) => chapterOf(name) === title);
		const lines = own.map(({ name, type, help }) => `| \`${name}\` | ${type} | ${help} |`);
		return [`## ${title}`, "", "| metric | type | |", "|---|---|---|", ...lines].join("\n");
	});
	return `${[introduction, ...parts].join("\n\n").replaceAll(/\n{3,}/g, "\n\n")}\n`;
}

/** @throws when it belongs to none. */
function chapterOf(metric: string): string {
	const chapter = chapters.find(({ names }) => names.test(metric));
	if (chapter === undefined) throw new Error(`${metric} belongs to no chapter of docs/metrics.md`);
	return chapter.title;
}

function rowsIn(text: string): MetricRow[] {
	return [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)$/gm)].map(
		([, name = "", help = "", type = ""]) => ({ name, help: help.replaceAll("|", "\\|"), type }),
	);
}

/** By the last of the node's own extensions. */
const declaredLast = "indelible_traces_total";

async function textOfANode(): Promise<string> {
	const folder = mkdtempSync(join(tmpdir(), "indelible-"));
	const metrics = new Metrics();
	const quiet = { debug() {}, info() {}, warn() {}, error() {} };
	const node = await createNode({
		store: new SqliteStore({ path: join(folder, "indelible.sqlite") }),
		// Nobody is there, and that is no obstacle.
		redisUrl: "redis://127.0.0.1:1",
		otlpUrl: "http://127.0.0.1:1",
		extensions: [metrics],
		logger: quiet,
	});
	try {
		// Hocuspocus runs its onConfigure hooks one after the other, and nobody can wait for them.
		for (let turns = 0; turns < 1_000; turns += 1) {
			const text = await metrics.text();
			if (text.includes(declaredLast)) return text;
			await new Promise((resolve) => setImmediate(resolve));
		}
		throw new Error(`the node does not tell ${declaredLast}`);
	} finally {
		await node.close();
		rmSync(folder, { recursive: true });
	}
}
