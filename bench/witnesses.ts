import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Expected, FromWitnesses, WitnessSettings } from "./witness-process.ts";

const deadlineMs = 90_000;

/** How many unmodified clients have everything in the end, and the same. */
export interface Verdict {
	readonly agreeing: number;
	readonly of: number;
}

/** Unmodified Yjs clients that look on while something is measured; see `witness-process.ts`. */
export class Witnesses {
	readonly #child: ChildProcess;

	private constructor(child: ChildProcess) {
		this.#child = child;
	}

	/** Resolves when they have the document. */
	static async join(settings: WitnessSettings): Promise<Witnesses> {
		const script = fileURLToPath(new URL("./witness-process.ts", import.meta.url));
		// It runs where this process runs.
		const witnesses = new Witnesses(fork(script, [JSON.stringify(settings)]));
		await witnesses.#hear("joined");
		return witnesses;
	}

	async judge(expected: Expected): Promise<Verdict> {
		this.#child.send(expected);
		const { agreeing, of } = await this.#hear("verdict");
		return { agreeing, of };
	}

	leave(): void {
		this.#child.kill("SIGKILL");
	}

	async #hear<T extends FromWitnesses["type"]>(type: T): Promise<Extract<FromWitnesses, { type: T }>> {
		try {
			const [message] = await once(this.#child, "message", { signal: AbortSignal.timeout(deadlineMs) });
			return message;
		} catch {
			this.leave();
			throw new Error(`the unmodified clients have not said "${type}"`);
		}
	}
}
