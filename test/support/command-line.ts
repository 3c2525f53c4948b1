import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { environmentWithoutSettings } from "./node-process.ts";

export const launcher = fileURLToPath(new URL("../../bin/indelible.js", import.meta.url));

export interface Ended {
	/** Exit code; `null` when a signal ended it. */
	readonly code: number | null;
	readonly output: string;
	readonly errors: string;
}

export interface CommandOptions {
	readonly folder?: string;
	/** `undefined` takes a variable away. */
	readonly environment?: Readonly<Record<string, string | undefined>>;
	/** The Node.js to start the launcher with; this one by default. */
	readonly binary?: string;
}

/** Runs `indelible` with these arguments to its end, which must come within 30 s. */
export async function runCommand(
	args: readonly string[],
	{ folder, environment = {}, binary = process.execPath }: CommandOptions = {},
): Promise<Ended> {
	const child = spawn(binary, [launcher, ...args], {
		...(folder === undefined ? {} : { cwd: folder }),
		env: { ...environmentWithoutSettings(), ...environment },
		stdio: ["ignore", "pipe", "pipe"],
		timeout: 30_000,
		killSignal: "SIGKILL",
	});
	let output = "";
	let errors = "";
	child.stdout.on("data", (chunk) => (output += chunk));
	child.stderr.on("data", (chunk) => (errors += chunk));
	const [code] = await once(child, "close");
	return { code, output, errors };
}
