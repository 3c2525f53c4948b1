import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../scripts/services/free-port.ts";
import { refuseStrayErrors } from "../../test/support/stray-errors.ts";

export const launcher = fileURLToPath(new URL("../../bin/indelible.js", import.meta.url));
const startDeadlineMs = 20_000;

/** A node as people start it: its own process, on a port of its own that stays, with a folder of its own. */
export class Server {
	readonly data: string;
	readonly #folder: string;
	readonly #port: number;
	#process: ChildProcess | undefined;
	/** Where its output goes, from one start to the next. */
	readonly #log: string;
	readonly #settings: NodeJS.ProcessEnv;

	private constructor(port: number, folder: string, settings: NodeJS.ProcessEnv) {
		this.#port = port;
		this.#folder = folder;
		this.data = join(folder, "data");
		this.#log = join(folder, "log");
		this.#settings = settings;
	}

	/** @param settings Environment variables for it. */
	static async start(settings: NodeJS.ProcessEnv = {}): Promise<Server> {
		const folder = await mkdtemp(join(tmpdir(), "indelible-e2e-"));
		const server = new Server(await freePort(), folder, settings);
		await server.start();
		return server;
	}

	get url(): string {
		return `http://localhost:${this.#port}`;
	}

	get isRunning(): boolean {
		return this.#process !== undefined && this.#process.exitCode === null;
	}

	async start(): Promise<void> {
		const options = ["--port", String(this.#port), "--data", this.data, "--log-format", "json"];
		const output = openSync(this.#log, "a");
		// A process group of its own: the launcher may have started another Node.js.
		this.#process = spawn(process.execPath, [launcher, "start", ...options], {
			detached: true,
			env: { ...environmentWithoutSettings(), ...this.#settings },
			stdio: ["ignore", output, output],
		});
		closeSync(output);
		await this.#answering();
	}

	/** As a power cut would: nothing is flushed, nobody is told. */
	async kill(): Promise<void> {
		const child = this.#process;
		this.#process = undefined;
		if (child?.pid === undefined || child.exitCode !== null) return;
		const exited = once(child, "exit");
		process.kill(-child.pid, "SIGKILL");
		await exited;
	}

	/** As an operator would. */
	async stop(): Promise<void> {
		const child = this.#process;
		this.#process = undefined;
		if (child?.pid === undefined || child.exitCode !== null) return;
		const exited = once(child, "exit");
		process.kill(-child.pid, "SIGTERM");
		await exited;
	}

	/** It is there and its sockets are open, but it does nothing: as when its disk hangs. */
	freeze(): void {
		if (this.#process?.pid !== undefined) process.kill(-this.#process.pid, "SIGSTOP");
	}

	thaw(): void {
		if (this.#process?.pid !== undefined) process.kill(-this.#process.pid, "SIGCONT");
	}

	/**
	 * Ends it and forgets its data.
	 * @throws {Error} when it has met an error that nobody handled, which fails the run.
	 */
	async dispose(): Promise<void> {
		await this.kill();
		const output = readFileSync(this.#log, "utf8");
		await rm(this.#folder, { recursive: true, force: true });
		refuseStrayErrors(output);
	}

	async #answering(): Promise<void> {
		const deadlineMs = Date.now() + startDeadlineMs;
		for (;;) {
			try {
				const response = await fetch(`${this.url}/readyz`);
				if (response.ok) return;
			} catch {
				// Not listening yet.
			}
			if (Date.now() > deadlineMs || this.#process?.exitCode !== null) {
				throw new Error(`the server does not answer:\n${readFileSync(this.#log, "utf8")}`);
			}
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
	}
}

/** The tests' own variables have the prefix of settings, and a node refuses those that it doesn't know. */
export function environmentWithoutSettings(): NodeJS.ProcessEnv {
	return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("INDELIBLE_")));
}
