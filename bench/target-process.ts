import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { pinTarget } from "./pinning.ts";
import {
	type ProcessUsage,
	readProcessorMs,
	readThreads,
	readUsage,
	type ThreadsUsage,
} from "./process-usage.ts";
import type { Window } from "./profile.ts";
import type { FromTarget, SaveTotals, TargetSettings, ToTarget } from "./targets/protocol.ts";
import type { Dialect } from "./wire-client.ts";

/** The servers that are compared; each is a program of its own in `targets/`. */
export const targets = {
	indelible: "Indelible",
	"indelible-delayed": "Indelible, delay 250 ms",
	stock: "stock Hocuspocus",
	"stock-tuned": "stock, flushDelay 25",
	"y-websocket": "y-websocket",
	raw: "raw ws",
	preframed: "raw, framed once",
	relay: "bare relay",
} as const;
export type TargetName = keyof typeof targets;
export const targetNames = Object.keys(targets) as TargetName[];

/** What `indelible start` gives Node.js (bin/indelible.js). Stock's best settings get it, too. */
const heapFlags = ["--initial-heap-size=256"];
const withHeap: readonly TargetName[] = ["indelible", "indelible-delayed", "stock-tuned"];

/** Whether a target has documents; without, nobody who joins gets anything. */
export function keepsDocuments(target: TargetName): boolean {
	return target !== "raw" && target !== "preframed" && target !== "relay";
}

export function dialectOf(target: TargetName): Dialect {
	return target === "y-websocket" ? target : "hocuspocus";
}

const answerDeadlineMs = 30_000;
const lateAnswerDeadlineMs = 5_000;

/** A server in a process of its own. */
export class TargetProcess {
	readonly url: string;
	/** TCP port on 127.0.0.1. */
	readonly port: number;
	/** When a profile of it matters. */
	measuring: Window | undefined;
	readonly #child: ChildProcess;
	readonly #ended: Promise<unknown>;

	private constructor(child: ChildProcess, ended: Promise<unknown>, port: number) {
		this.#child = child;
		this.#ended = ended;
		this.port = port;
		this.url = `ws://127.0.0.1:${port}`;
	}

	/** @param nodeFlags Flags for Node, such as `--cpu-prof`. */
	static async start(
		name: TargetName,
		settings: TargetSettings,
		nodeFlags: readonly string[],
	): Promise<TargetProcess> {
		const script = fileURLToPath(new URL(`./targets/${name}.ts`, import.meta.url));
		const flags = withHeap.includes(name) ? [...heapFlags, ...nodeFlags] : nodeFlags;
		const node = [process.execPath, ...flags, script, JSON.stringify(settings)];
		const [command = "", ...rest] = pinTarget(node);
		const child = spawn(command, rest, {
			stdio: ["ignore", "inherit", "inherit", "ipc"],
			// Plain JSON has no NaN.
			serialization: "advanced",
		});
		const ended = once(child, "exit");
		const message = await Promise.race([
			nextMessage(child, "listening"),
			ended.then(([code]) => {
				throw new Error(`${targets[name]} ended with ${code} before it listened`);
			}),
		]);
		return new TargetProcess(child, ended, message.port);
	}

	get pid(): number {
		return this.#child.pid ?? 0;
	}

	usage(): ProcessUsage {
		return readUsage(this.pid);
	}

	/** Processor time since its start, user and system, in ms. */
	processorMs(): number {
		return readProcessorMs(this.pid);
	}

	/** {@link processorMs} by thread. */
	threads(): ThreadsUsage {
		return readThreads(this.pid);
	}

	async totals(): Promise<SaveTotals> {
		return (await this.#ask("totals", "totals")).totals;
	}

	/** Has it measure how late its event loop is, until {@link loopDelayP99Ms}. */
	async watchLoop(): Promise<void> {
		await this.#ask("watch", "watching");
	}

	/** @returns `NaN` when it is so late that it does not even say so. */
	async loopDelayP99Ms(): Promise<number> {
		const answer = this.#ask("loopDelay", "loopDelay", lateAnswerDeadlineMs);
		return answer.then(
			({ p99Ms }) => p99Ms,
			() => Number.NaN,
		);
	}

	/** Has it collect its garbage, so that memory that is resident is mostly in use. */
	async collectGarbage(): Promise<void> {
		await this.#ask("collect", "collected");
	}

	get hasEnded(): boolean {
		return this.#child.exitCode !== null || this.#child.signalCode !== null;
	}

	/** Ends it as a power failure would end it, and returns when it is gone. */
	async kill(): Promise<void> {
		this.#child.kill("SIGKILL");
		await this.#ended;
	}

	/** Has it save what is left and close its files. @returns What it has used until then. */
	async close(): Promise<ProcessUsage> {
		await this.#ask("close", "closed");
		return this.usage();
	}

	/** Ends it in an orderly way. */
	async stop(): Promise<void> {
		await this.close();
		await this.end();
	}

	/** Ends it after {@link close}. */
	async end(): Promise<void> {
		this.#child.disconnect();
		await this.#ended;
	}

	#ask<T extends FromTarget["type"]>(question: ToTarget, type: T, deadlineMs?: number): Promise<Answer<T>> {
		const answer = nextMessage(this.#child, type, deadlineMs);
		this.#child.send(question);
		return answer;
	}
}

type Answer<T extends FromTarget["type"]> = Extract<FromTarget, { type: T }>;

function nextMessage<T extends FromTarget["type"]>(
	child: ChildProcess,
	type: T,
	deadlineMs = answerDeadlineMs,
): Promise<Answer<T>> {
	return new Promise((resolve, reject) => {
		const timer = setTimeout(() => {
			child.off("message", take);
			reject(new Error(`the target did not say "${type}" in ${deadlineMs} ms`));
		}, deadlineMs);
		const take = (message: unknown) => {
			const said = message as FromTarget;
			if (said.type !== type) return;
			clearTimeout(timer);
			child.off("message", take);
			resolve(said as Answer<T>);
		};
		child.on("message", take);
	});
}
