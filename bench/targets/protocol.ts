/** What a target and the bench say to each other over the IPC channel. */

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
	| { readonly type: "totals"; readonly totals: SaveTotals };

export type ToTarget = "totals";

/** Tells the bench the port, and the totals when it asks. A target ends when the bench does. */
export function serveBench(port: number, totals: () => SaveTotals): void {
	const say = (message: FromTarget) => process.send?.(message);
	process.on("message", (message: ToTarget) => {
		if (message === "totals") say({ type: "totals", totals: totals() });
	});
	process.on("disconnect", () => process.exit());
	// So that `--cpu-prof` writes its profile.
	process.on("SIGTERM", () => process.exit());
	say({ type: "listening", port });
}
