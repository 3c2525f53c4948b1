import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { FromNoise, ToNoise } from "./noise-process.ts";

/** See `noise-process.ts`. */
export class NoiseProcess {
	readonly #child: ChildProcess;
	#beganMs = 0;

	private constructor(child: ChildProcess) {
		this.#child = child;
	}

	/** Resolves when it is ready to make noise. */
	static async start(part: string, url: string): Promise<NoiseProcess> {
		const script = fileURLToPath(new URL("./noise-process.ts", import.meta.url));
		// It runs where this process runs.
		const child = fork(script, [part, url]);
		await hear(child, "ready");
		return new NoiseProcess(child);
	}

	begin(): void {
		this.#beganMs = performance.now();
		this.#say("begin");
	}

	/** @returns How often a second it did what it does. */
	async end(): Promise<number> {
		const tookMs = performance.now() - this.#beganMs;
		const done = hear(this.#child, "done");
		this.#say("end");
		const { count } = await done;
		const ended = once(this.#child, "exit");
		this.#child.disconnect();
		await ended;
		return count / (tookMs / 1000);
	}

	#say(message: ToNoise): void {
		this.#child.send(message);
	}
}

async function hear<T extends FromNoise["type"]>(
	child: ChildProcess,
	type: T,
): Promise<Extract<FromNoise, { type: T }>> {
	const ending = once(child, "exit").then(([code]) => {
		throw new Error(`the noisy tenant ended with ${code}`);
	});
	const [said] = (await Promise.race([once(child, "message"), ending])) as [FromNoise];
	if (said.type !== type) throw new Error(`the noisy tenant said "${said.type}", and not "${type}"`);
	return said as Extract<FromNoise, { type: T }>;
}
