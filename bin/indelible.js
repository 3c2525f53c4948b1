#!/usr/bin/env node
// Starts the command line on a Node.js that can run it. Plain JavaScript, for whatever Node.js finds it. `start` comes here twice: what the
// first time does not need is imported where it is.
import { constants, homedir, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The first with `node:sqlite`, zstd in `node:zlib`, and TypeScript files without a flag, all of it stable enough. */
const oldestMajor = 24;
/** With it, an older Node.js that starts this one names itself. It never reaches the command line. */
const launcherVariable = "INDELIBLE_LAUNCHER_PID";
/**
 * In MB, before V8 looks through all of it. By itself it begins with a few, and while somebody adds pictures it does so every two seconds,
 * for up to a hundred milliseconds in which everybody on the node waits (docs/performance.md). It can only be told at the start.
 */
const heapFlag = "--initial-heap-size";
const heapMb = 256;
/** In bytes. With less, it is better to collect early. */
const memoryForHeap = 2 ** 30;

const major = Number(process.versions.node.split(".")[0]);
if (major >= oldestMajor) {
	takeHeap();
	endWithLauncher();
	await keepCompiled();
	const { existsSync } = await import("node:fs");
	const source = new URL("../server/cli.ts", import.meta.url);
	const built = new URL("../dist/server/cli.js", import.meta.url);
	await import((existsSync(source) ? source : built).href);
} else {
	const binary = await bundledNode();
	if (binary === undefined) {
		console.error(
			`indelible: needs Node.js ${oldestMajor} or newer, and this is ${process.version}. Install one, or the package that brings it: npm install node@26`,
		);
		process.exit(2);
	}
	await runOn(binary);
}

/** The binary of the `node` package, an optional dependency of ours. */
async function bundledNode() {
	const { existsSync } = await import("node:fs");
	const { createRequire } = await import("node:module");
	try {
		const path = createRequire(import.meta.url).resolve("node/bin/node");
		return existsSync(path) ? path : undefined;
	} catch {
		return undefined;
	}
}

async function runOn(binary) {
	const { spawn } = await import("node:child_process");
	const child = spawn(binary, [...heapFlags(), fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
		// The channel carries nothing: its end tells the child that this process is gone, however it went.
		stdio: ["inherit", "inherit", "inherit", "ipc"],
		env: { ...process.env, [launcherVariable]: String(process.pid) },
	});
	// From a terminal, the child may get a signal twice: the command line takes that for one.
	for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
	// What npm runs does not hear of npm's end (server/start.ts). Once this process is gone, the child ends as well.
	const parent = process.ppid;
	if (process.env.npm_lifecycle_script?.includes("indelible"))
		setInterval(() => process.ppid !== parent && process.exit(1), 500).unref();
	child.on("error", (error) => {
		console.error(`indelible: ${binary} can't be started: ${error.message}`);
		process.exit(2);
	});
	child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

/** For a server, on a machine that can spare it, unless whoever starts Node.js has chosen. */
function heapFlags() {
	const memory = Math.min(totalmem(), process.constrainedMemory?.() || Infinity);
	const isChosen = process.execArgv.some((flag) => flag.replaceAll("_", "-").startsWith(heapFlag));
	return process.argv[2] === "start" && memory >= memoryForHeap && !isChosen ? [`${heapFlag}=${heapMb}`] : [];
}

/** Begins anew as the same process. Where that can't be done, or somebody listens to this one over a channel, it stays as it is. */
function takeHeap() {
	const flags = heapFlags();
	if (flags.length === 0 || process.platform === "win32" || process.execve === undefined) return;
	if (process.channel !== undefined) return;
	const rest = [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
	try {
		process.execve(process.execPath, [process.execPath, ...flags, ...rest], process.env);
	} catch {
		// It was this process that could be started, and it serves without as well.
	}
}

/**
 * Compiled code is kept in the user's cache, where nobody else puts any: the next start takes half the processor time. Wherever there is no
 * such folder, or it can't be written, there is nothing kept. `NODE_COMPILE_CACHE` names another, `NODE_DISABLE_COMPILE_CACHE=1` none.
 */
async function keepCompiled() {
	if (process.env.NODE_DISABLE_COMPILE_CACHE !== undefined) return;
	const { enableCompileCache } = await import("node:module");
	try {
		const folder = process.env.NODE_COMPILE_CACHE ?? (await cacheFolder());
		// For threads as well.
		process.env.NODE_COMPILE_CACHE = folder;
		enableCompileCache(folder);
	} catch {
		// There is no home, or it is not ours to write to.
	}
}

/** One level after the other: Node.js' own way of making several at once does not end where a file system refuses. */
async function cacheFolder() {
	const { existsSync, mkdirSync } = await import("node:fs");
	const caches = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
	const folder = join(caches, "indelible");
	for (const path of [caches, folder]) if (!existsSync(path)) mkdirSync(path, { mode: 0o700 });
	return folder;
}

/** A server without its launcher would hold the port and the data, and nobody would know of it. */
function endWithLauncher() {
	const launcher = process.env[launcherVariable];
	delete process.env[launcherVariable];
	if (launcher !== String(process.ppid) || process.channel === undefined) return;
	process.on("disconnect", () => process.kill(process.pid, "SIGTERM"));
	process.channel.unref();
}
