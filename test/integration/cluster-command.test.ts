import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { environmentWithoutSettings, freePort } from "../support/node-process.ts";
import { descendantsOf, isRunning } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A folder that the user as whom Postgres runs can enter. */
function dataFolder(): string {
	const folder = temporaryFolder();
	chmodSync(folder, 0o711);
	return folder;
}

/** The command in a process group of its own, as a shell starts it. */
async function startCommand(
	program: string,
	args: readonly string[],
	{ data = dataFolder(), port }: { readonly data?: string; readonly port?: number } = {},
) {
	const balancerPort = port ?? (await freePort());
	const child = spawn(program, [...args, "--port", String(balancerPort), "--data", data], {
		cwd: root,
		detached: true,
		env: { ...environmentWithoutSettings(), NO_COLOR: "1" },
		stdio: ["ignore", "pipe", "pipe"],
	});
	const pid = child.pid as number;
	let output = "";
	child.stdout.on("data", (chunk) => (output += chunk));
	child.stderr.on("data", (chunk) => (output += chunk));
	let started: number[] = [];
	onTestFinished(() => {
		for (const id of [pid, ...started, ...descendantsOf(pid)]) if (isRunning(id)) process.kill(id, "SIGKILL");
	});
	const command = {
		child,
		pid,
		port: balancerPort,
		url: `ws://127.0.0.1:${balancerPort}`,
		output: () => output,
		/** Waits for the output to show this. */
		async says(pattern: RegExp): Promise<RegExpExecArray> {
			const found = await eventually(
				`the output to have ${pattern}`,
				() => pattern.exec(output) ?? (hasEnded(child) ? "ended" : undefined),
				saysMsMax,
			);
			if (found === "ended") throw new Error(`it ended:\n${output}`);
			return found;
		},
		/** All processes that it has started. */
		started() {
			started = [...new Set([...started, ...descendantsOf(pid)])];
			return started;
		},
		async ended(): Promise<number | null> {
			if (!hasEnded(child)) await once(child, "exit");
			return child.exitCode;
		},
	};
	return command;
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
	return exitCode !== null || signalCode !== null;
}

function open(url: string, name: string) {
	const client = openClient({ url, name });
	onTestFinished(() => client.destroy());
	return client;
}

/** It may have to build the demo editor first. */
const saysMsMax = 120_000;

const direct = [process.execPath, ["scripts/cluster.ts"]] as const;
const up = /Ctrl-C ends all of it/;

test("[CLU4] two people edit through the balancer; a node that is killed comes back; Ctrl-C leaves nothing running; documents are kept", {
	timeout: 120_000,
}, async () => {
	const data = dataFolder();
	const command = await startCommand(...direct, { data });
	await command.says(up);
	const [anna, bert] = [open(command.url, "notes"), open(command.url, "notes")];
	await Promise.all([anna.synced(), bert.synced()]);
	anna.type("a");
	await eventually("the other one to see it", () => bert.text.toString() === "a");

	const [, pid] = await command.says(/node 2 .*pid (\d+)/);
	process.kill(Number(pid), "SIGKILL");
	await command.says(/node 2 \(pid \d+\) was ended by SIGKILL/);
	bert.type("b");
	anna.type("c");
	await command.says(/node 2 is back/);
	await Promise.all([anna.saved(), bert.saved()]);
	await eventually("the same text", () => anna.text.length === 3 && bert.text.length === 3);
	expect(anna.text.toString()).toBe(bert.text.toString());

	// Four servers, three of them nodes; the one that watches over them; Postgres' own.
	const started = command.started();
	expect(started.length).toBeGreaterThan(7);
	// As a terminal does.
	process.kill(-command.pid, "SIGINT");
	expect(await command.ended()).toBe(0);
	await eventually("nothing to be left", () => !started.some(isRunning));

	const again = await startCommand(...direct, { data });
	await again.says(up);
	const reader = await open(again.url, "notes").synced();
	expect(reader.text.toString()).toBe(anna.text.toString());
	const startedAgain = again.started();
	process.kill(again.pid, "SIGINT");
	expect(await again.ended()).toBe(0);
	await eventually("nothing to be left", () => !startedAgain.some(isRunning));
});

test("document affinity, and any number of nodes; started with npm, a signal to the group or to npm alone ends it, kill -9 of npm, too", {
	timeout: 300_000,
}, async () => {
	for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const) {
		const command = await startCommand("npm", ["run", "cluster", "--", "--nodes", "2", "--affinity"]);
		await command.says(up);
		expect(command.output()).toContain("node 2");
		expect(command.output()).not.toContain("node 3");
		const page = await fetch(`http://127.0.0.1:${command.port}`);
		expect(await page.text()).toContain("<html");
		const started = command.started();
		// Ctrl-C reaches everybody who belongs to the terminal, `kill` one process.
		process.kill(signal === "SIGINT" ? -command.pid : command.pid, signal);
		await command.ended();
		await eventually("nothing to be left", () => !started.some(isRunning));
	}
});

test("killed while it starts, or with no chance to do anything: nothing is left running", {
	timeout: 120_000,
}, async () => {
	const starting = await startCommand(...direct);
	await eventually("the first services", () => starting.started().length > 2);
	process.kill(starting.pid, "SIGTERM");
	expect(await starting.ended()).toBe(0);
	await eventually("nothing to be left", () => !starting.started().some(isRunning));

	const running = await startCommand(...direct);
	await running.says(up);
	const started = running.started();
	process.kill(running.pid, "SIGKILL");
	await eventually("nothing to be left", () => !started.some(isRunning));
});

test("what can't work is said, and ends it", async () => {
	const { port, ended, output, started } = await startCommand(...direct, { port: await takenPort() });
	expect(await ended()).toBe(1);
	expect(output()).toContain(`port ${port} is taken; choose another one with --port`);
	await eventually("nothing to be left", () => !started().some(isRunning));
	const wrong = await startCommand(process.execPath, ["scripts/cluster.ts", "--nodes", "none"]);
	expect(await wrong.ended()).toBe(1);
	expect(wrong.output()).toContain("A whole number from 1 to 20, please.");
});

async function takenPort(): Promise<number> {
	const { createServer } = await import("node:net");
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	onTestFinished(() => {
		server.close();
	});
	const address = server.address();
	if (address === null || typeof address === "string") throw new Error("no port");
	return address.port;
}
