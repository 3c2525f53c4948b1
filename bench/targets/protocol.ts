/** What a target and the bench say to each other: settings on the command line, the rest over the IPC channel. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { watchLoop } from "../loop-watch.ts";

export interface TargetSettings {
	/** Its folder, which exists. */
	readonly data: string;
	/** TCP port on 127.0.0.1; 0 for any. */
	readonly port: number;
	/** What it shares with other nodes, if it is one of several. */
	readonly shared?: { readonly databaseUrl: string; readonly redisUrl: string };
}

/** Running totals of what a target has saved. */
export interface SaveTotals {
	/** Transactions committed: of many documents at once, or of one. */
	readonly commits: number;
	/** Documents written, summed over commits. */
	readonly documents: number;
	/** Updates made durable by them; `undefined` when the target does not know updates. */
	readonly updates?: number;
}

export type FromTarget =
	| { readonly type: "listening"; readonly port: number }
	| { readonly type: "totals"; readonly totals: SaveTotals }
	| { readonly type: "watching" }
	| { readonly type: "loopDelay"; readonly p99Ms: number }
	| { readonly type: "collected" }
	| { readonly type: "closed" };

/** `watch` begins to measure how long the event loop is late, `loopDelay` ends it; `collect` collects garbage. */
export type ToTarget = "totals" | "watch" | "loopDelay" | "collect" | "close";

export interface Target {
	readonly port: number;
	totals(): SaveTotals;
	/** Saves what is left and lets go of the files. The process goes on, so that what it has used can be read. */
	close(): Promise<void>;
}

/** What the bench gave this process. */
export function targetSettings(): TargetSettings {
	return JSON.parse(process.argv[2] ?? "");
}

/** Does what the bench asks for. A target ends when the bench lets go of it. */
export function serveBench({ port, totals, close }: Target): void {
	const say = (message: FromTarget) => process.send?.(message);
	const watch = watchLoop();
	process.on("message", async (message: ToTarget) => {
		if (message === "totals") say({ type: "totals", totals: totals() });
		else if (message === "watch") {
			watch.start();
			say({ type: "watching" });
		} else if (message === "loopDelay") say({ type: "loopDelay", p99Ms: watch.end() });
		else if (message === "collect") {
			collectGarbage();
			say({ type: "collected" });
		} else {
			await close();
			say({ type: "closed" });
		}
	});
	process.on("disconnect", () => process.exit());
	say({ type: "listening", port });
}

/**
 * With a flag that is set at run time, so that the server runs with the flags that it always has. `last-resort` gives back as well what the heap
 * keeps to grow into, which V8 does by itself once a process has been idle for some 20 s; otherwise that room would count as connections'.
 */
function collectGarbage(): void {
	setFlagsFromString("--expose-gc");
	const collect: unknown = runInNewContext("gc");
	if (typeof collect === "function") collect({ type: "major", execution: "sync", flavor: "last-resort" });
}
