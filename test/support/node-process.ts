import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { freePort } from "../../scripts/services/free-port.ts";
import { eventually } from "./eventually.ts";
import { refuseStrayErrors } from "./stray-errors.ts";

export { freePort };

const launcher = fileURLToPath(new URL("../../bin/indelible.js", import.meta.url));

/** `indelible start` as a process of its own. */
export interface NodeProcess {
	readonly port: number;
	readonly url: string;
	readonly child: ChildProcess;
	/** Standard output and error so far. */
	output(): string;
	/** Sends a signal and waits for the end. @returns Exit code, or the signal that ended it. */
	stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals | null>;
}

/** The tests' own variables have the same prefix as a node's settings, which refuses those that it doesn't know. */
export function environmentWithoutSettings(): Record<string, string | undefined> {
	return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("INDELIBLE_")));
}

export interface StartOptions {
	readonly data: string;
	readonly port?: number;
	readonly flags?: readonly string[];
	readonly environment?: Readonly<Record<string, string>>;
	/** The Node.js to start the launcher with; this one by default. */
	readonly binary?: string;
	/** The test provokes errors that nobody handles, in hooks of its own. */
	readonly hasStrayErrors?: boolean;
}

/** Starts a node and waits until it is ready. The caller stops it. */
export async function startNodeProcess({
	data,
	port,
	flags = [],
	environment = {},
	binary = process.execPath,
	hasStrayErrors = false,
}: StartOptions): Promise<NodeProcess> {
	const onPort = port ?? (await freePort());
	const child = spawn(
		binary,
		[launcher, "start", "--port", String(onPort), "--data", data, "--no-demo", ...flags],
		{ env: { ...environmentWithoutSettings(), ...environment }, stdio: ["ignore", "pipe", "pipe"] },
	);
	let output = "";
	child.stdout.on("data", (chunk) => (output += chunk));
	child.stderr.on("data", (chunk) => (output += chunk));
	const ended = once(child, "exit");
	child.once("close", () => {
		// Thrown here, it fails the run, whatever the test looks at.
		if (!hasStrayErrors) refuseStrayErrors(output);
	});
	const ready = eventually("the node to be ready", async () => {
		if (child.exitCode !== null || child.signalCode !== null) return "ended";
		return (await fetch(`http://127.0.0.1:${onPort}/readyz`)).ok && "ready";
	});
	if ((await ready) === "ended")
		throw new Error(`the node ended with ${child.exitCode ?? child.signalCode}:\n${output}`);
	return {
		port: onPort,
		url: `ws://127.0.0.1:${onPort}`,
		child,
		output: () => output,
		async stop(signal = "SIGTERM") {
			child.kill(signal);
			const [code, endedBy] = await ended;
			return code ?? endedBy;
		},
	};
}
