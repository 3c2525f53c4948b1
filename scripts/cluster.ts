/**
 * `npm run cluster`: what runs in production, on this machine and without containers, until Ctrl-C: several nodes,
 * Redis, Postgres and HAProxy.
 */
import { mkdirSync } from "node:fs";
import { relative, resolve } from "node:path";
import { styleText } from "node:util";
import { Command, InvalidArgumentError } from "commander";
import { freePort } from "./services/free-port.ts";
import { type ClusterEvent, type ClusterNode, LocalCluster } from "./services/local-cluster.ts";

interface Options {
	readonly nodes: number;
	readonly port: number;
	readonly host: string;
	readonly data: string;
	readonly affinity: boolean;
}

const wholeNumber = (least: number, most: number) => (text: string) => {
	const value = Number(text);
	if (/^\d+$/.test(text) && value >= least && value <= most) return value;
	throw new InvalidArgumentError(`A whole number from ${least} to ${most}, please.`);
};

const options = new Command("npm run cluster --")
	.description(
		"Starts several nodes, Redis, Postgres and HAProxy on this machine, and ends them with Ctrl-C.\nDocuments are kept between starts.",
	)
	.option("--nodes <number>", "how many nodes", wholeNumber(1, 20), 3)
	.option(
		"--port <number>",
		"the balancer's port; the nodes take the next ones",
		wholeNumber(1, 65_000),
		8080,
	)
	.option("--host <address>", "the balancer's address; 0.0.0.0 to let others on the network in", "127.0.0.1")
	.option("--data <folder>", "where documents and logs are kept", "data/cluster")
	.option("--affinity", "have the people of a document meet on one node", false)
	.parse()
	.opts<Options>();

const folder = resolve(options.data);
/** A signal may come twice at once: from the terminal, and from npm. */
const sameSignalMs = 500;

function say(text: string): void {
	process.stdout.write(`${text}\n`);
}
// Whoever read it may be gone; the services are to be ended all the same.
process.stdout.on("error", () => {});

function report(event: ClusterEvent): void {
	const at = styleText("dim", new Date().toLocaleTimeString());
	if (event.type === "lost")
		say(
			`${at} ${styleText("red", `${event.title} (pid ${event.pid}) ${event.how}`)}; it starts again in a second`,
		);
	else if (event.type === "back")
		say(`${at} ${styleText("green", `${event.title} is back`)} (pid ${event.pid})`);
	else say(`${at} ${styleText("red", `${event.title} does not start: ${event.reason}`)}; trying again`);
}

function greeting(nodes: readonly ClusterNode[], logs: string): string {
	const url = `http://127.0.0.1:${options.port}`;
	const lines = nodes.map(
		({ title, port, pid }) =>
			`    ${title.padEnd(10)}http://127.0.0.1:${port}  ${styleText("dim", `pid ${pid}`)}`,
	);
	const spread = options.affinity ? "the people of a document on one node" : "everybody on the quietest node";
	return `
  ${styleText("bold", "Indelible")}     ${styleText(["bold", "cyan"], url)}  ${styleText("dim", spread)}

${lines.join("\n")}
    ${"logs".padEnd(10)}${shortened(logs)}

  Open the first address in two browsers, type, and kill -9 a node: it comes back, and nothing is missing.
  Ctrl-C ends all of it.
`;
}

function shortened(path: string): string {
	const fromHere = relative(process.cwd(), path);
	return fromHere.startsWith("..") ? path : fromHere;
}

async function ensurePortIsFree(): Promise<void> {
	if ((await freePort(options.port)) === options.port) return;
	throw new Error(`port ${options.port} is taken; choose another one with --port`);
}

mkdirSync(folder, { recursive: true });
const cluster = new LocalCluster({
	...options,
	folder,
	flavour: options.affinity ? "document-affinity" : "any-node",
	report,
});

let endingSinceMs: number | undefined;

async function end(how: "orderly" | "at once", exitCode: number): Promise<never> {
	await cluster.end(how);
	process.exit(exitCode);
}

function endOrderly(): void {
	if (endingSinceMs !== undefined) return;
	endingSinceMs = performance.now();
	say(`\n${styleText("dim", "Ending …")}`);
	void end("orderly", 0);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
	process.on(signal, () => {
		if (endingSinceMs === undefined) endOrderly();
		else if (performance.now() - endingSinceMs > sameSignalMs) void end("at once", 1);
	});
}

// An npm that is killed tells nobody.
const parent = process.ppid;
if (process.env.npm_lifecycle_event === "cluster") {
	setInterval(() => {
		if (process.ppid !== parent) endOrderly();
	}, 1_000);
}

try {
	await ensurePortIsFree();
	const count = options.nodes === 1 ? "1 node" : `${options.nodes} nodes`;
	say(styleText("dim", `Starting PostgreSQL, Redis, ${count} and HAProxy …`));
	const nodes = await cluster.start();
	if (endingSinceMs === undefined) say(greeting(nodes, cluster.logs));
} catch (error) {
	if (endingSinceMs === undefined) {
		endingSinceMs = performance.now();
		const reason = (error as Error).message;
		process.stderr.write(`${styleText("red", reason)}\nThe logs are in ${cluster.logs}\n`);
		await end("orderly", 1);
	}
}
