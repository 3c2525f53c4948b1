/**
 * A noisy tenant, in a process of its own that only gets what time others leave: how long it reads what it is sent must not
 * be taken for the server's delay. Arguments: its part, and the server's URL.
 */
import { setPriority } from "node:os";
import { noisyTenants } from "./noisy-tenant.ts";

export type ToNoise = "begin" | "end";

export type FromNoise =
	| { readonly type: "ready" }
	/** How often it did what it does. */
	| { readonly type: "done"; readonly count: number };

const lowPriority = 10;

const [part, url = ""] = process.argv.slice(2);
setPriority(lowPriority);
const tenant = noisyTenants.find((one) => one.part === part);
if (tenant === undefined) throw new Error(`there is no noisy tenant "${part}"`);
const noise = await tenant.prepare(url);
const ending = new AbortController();
process.on("message", (message: ToNoise) => {
	if (message === "end") ending.abort();
	else void noise(ending.signal).then((count) => say({ type: "done", count }));
});
process.on("disconnect", () => process.exit());
say({ type: "ready" });

function say(message: FromNoise): void {
	process.send?.(message);
}
