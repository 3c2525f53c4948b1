import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import type { Operations } from "./operations.ts";

/** Pages that watch at a time. */
const listenersMax = 20;
const periodMs = 1_000;

/**
 * Server-sent events (HTML, section 9.2), one a second: how all nodes are, and their seconds since the last event; the first one has
 * the last five minutes. A page that reads slowly gets fewer.
 */
export function serveEvents({ watch }: Operations) {
	let listeners = 0;
	return (context: Context): Response | Promise<Response> => {
		if (listeners >= listenersMax)
			return context.json({ error: `${listenersMax} pages are watching already: close one of them` }, 503);
		// nginx would collect events until they fill a buffer.
		context.header("X-Accel-Buffering", "no");
		context.header("Cache-Control", "no-store, no-transform");
		return streamSSE(context, async (stream) => {
			listeners += 1;
			const stop = watch.start();
			const ended = new Promise<void>((resolve) => stream.onAbort(resolve));
			const after: Record<string, number> = {};
			try {
				while (!stream.aborted && !stream.closed) {
					const nodes = await watch.views(after);
					for (const { id, samples } of nodes) after[id] = samples.at(-1)?.[0] ?? after[id] ?? 0;
					await Promise.race([stream.writeSSE({ data: JSON.stringify({ nodes }) }), ended]);
					await Promise.race([stream.sleep(periodMs), ended]);
				}
			} finally {
				stop();
				listeners -= 1;
			}
		});
	};
}
