import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { freePort } from "../../scripts/services/free-port.ts";
import { startHaproxyService } from "../../scripts/services/haproxy.ts";
import { programFolder } from "../../scripts/services/programs.ts";
import { type Service, startService } from "../../scripts/services/service.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export type Flavour = "any-node" | "document-affinity";

/** A real HAProxy or nginx with a configuration from `deploy/`, in front of three nodes. */
export interface Balancer {
	/** For WebSockets. */
	readonly url: string;
	/** For HTTP. */
	readonly origin: string;
	/** What it has said so far. */
	log(): string;
}

export interface BalancerOptions {
	readonly flavour: Flavour;
	readonly nodePorts: readonly number[];
	/** Changes the configuration, for what would take too long as it is. */
	readonly edit?: (configuration: string) => string;
}

export const balancers = {
	haproxy: { start: startHaproxy, lint: lintHaproxy },
	nginx: { start: startNginx, lint: lintNginx },
} as const;

function deployed(path: string): string {
	return fileURLToPath(new URL(`../../deploy/${path}`, import.meta.url));
}

/** Starts HAProxy, which goes when the test ends. */
async function startHaproxy({ flavour, nodePorts, edit }: BalancerOptions): Promise<Balancer> {
	const port = await freePort();
	let file = deployed(`haproxy/${flavour}.cfg`);
	if (edit !== undefined) {
		const text = edit(readFileSync(file, "utf8"));
		file = join(temporaryFolder(), "haproxy.cfg");
		writeFileSync(file, text);
	}
	const nodes = nodePorts.map((nodePort, index) => [`NODE_${index + 1}`, `127.0.0.1:${nodePort}`]);
	const environment = { BALANCER_BIND: `127.0.0.1:${port}`, ...Object.fromEntries(nodes) };
	return running(port, (output) => startHaproxyService({ file, port, environment, output }));
}

/** Starts nginx, which goes when the test ends. */
async function startNginx({ flavour, nodePorts, edit }: BalancerOptions): Promise<Balancer> {
	const port = await freePort();
	const site = nodePorts
		.reduce(
			(text, nodePort, index) => text.replace(`127.0.0.1:123${index + 1}`, `127.0.0.1:${nodePort}`),
			readFileSync(deployed(`nginx/${flavour}.conf`), "utf8"),
		)
		.replace("listen 8080;", `listen 127.0.0.1:${port};`);
	const args = nginxArguments(edit === undefined ? site : edit(site));
	const answers = async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok;
	return running(port, (output) => startService({ title: "nginx", program: nginx(), args, output, answers }));
}

async function running(port: number, start: (output: number) => Promise<Service>): Promise<Balancer> {
	const file = join(temporaryFolder(), "balancer.log");
	const output = openSync(file, "w");
	const service = await start(output);
	closeSync(output);
	onTestFinished(() => service.stop("SIGTERM"));
	return {
		url: `ws://127.0.0.1:${port}/sync`,
		origin: `http://127.0.0.1:${port}`,
		log: () => readFileSync(file, "utf8"),
	};
}

/** Has HAProxy check a configuration. @returns What it has to say against it. */
async function lintHaproxy(flavour: Flavour): Promise<string> {
	const folder = programFolder({ title: "HAProxy", names: ["haproxy"], debianPackage: "haproxy" });
	return complaints(join(folder, "haproxy"), ["-c", "-q", "-f", deployed(`haproxy/${flavour}.cfg`)]);
}

async function lintNginx(flavour: Flavour): Promise<string> {
	const site = readFileSync(deployed(`nginx/${flavour}.conf`), "utf8");
	return complaints(nginx(), ["-t", "-q", ...nginxArguments(site)]);
}

async function complaints(program: string, args: readonly string[]): Promise<string> {
	const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
	let output = "";
	for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
	const [code] = await once(child, "close");
	return code === 0 ? output : `${output}exit code ${code}`;
}

function nginx(): string {
	return join(programFolder({ title: "nginx", names: ["nginx"], debianPackage: "nginx-light" }), "nginx");
}

/** Wraps a site in the least that nginx starts with, in a folder of its own. */
function nginxArguments(site: string): string[] {
	const folder = temporaryFolder();
	const file = join(folder, "nginx.conf");
	const bodies = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
		(name) => `${name}_temp_path ${join(folder, name)};`,
	);
	writeFileSync(join(folder, "site.conf"), site);
	writeFileSync(
		file,
		`daemon off;
worker_processes 2;
pid ${join(folder, "pid")};
error_log stderr;
events {}
http {
	access_log off;
	${bodies.join("\n\t")}
	include ${join(folder, "site.conf")};
}
`,
	);
	return ["-p", folder, "-c", file];
}
