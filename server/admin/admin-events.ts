import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import type { Operations } from "./operations.ts";

/** Pages that watch at a time. */
const listenersMax = 20;
const periodMs = 1_000;
const pageLengthMax = 64;

/**
 * Server-sent events (HTML, section 9.2), one a second: how all nodes are, and their seconds since the last event; the first one has
 * the last five minutes. A page that reads slowly gets fewer. One that says which it is (`page`) ends its own events of before: those
 * of a phone that has lost its network would hold their place for a quarter of an hour.
 */
export function serveEvents({ watch }: Operations) {
	/** What ends each of them. */
	const listeners = new Map<string | symbol, () => void>();
	return (context: Context): Response | Promise<Response> => {
		const page = context.req.query("page") ?? Symbol("a page that does not say which");
		if (typeof page === "string" && page.length > pageLengthMax)
			return context.json({ error: `page: longer than ${pageLengthMax} characters` }, 400);
		listeners.get(page)?.();
		if (listeners.size >= listenersMax)
			return context.json({ error: `${listenersMax} pages are watching already: close one of them` }, 503);
		// nginx would collect events until they fill a buffer.
		context.header("X-Accel-Buffering", "no");
		context.header("Cache-Control", "no-store, no-transform");
		return streamSSE(context, async (stream) => {
			const { promise: ended, resolve: end } = Promise.withResolvers<void>();
			let isOver = false;
			const leave = () => {
				isOver = true;
				if (listeners.get(page) === leave) listeners.delete(page);
				end();
			};
			listeners.set(page, leave);
			stream.onAbort(leave);
			const stop = watch.start();
			const after: Record<string, number> = {};
			try {
				while (!isOver && !stream.aborted && !stream.closed) {
					const nodes = await watch.views(after);
					for (const { id, samples } of nodes) after[id] = samples.at(-1)?.[0] ?? after[id] ?? 0;
					await Promise.race([stream.writeSSE({ data: JSON.stringify({ nodes }) }), ended]);
					await Promise.race([stream.sleep(periodMs), ended]);
				}
			} finally {
				stop();
				leave();
			}
		});
	};
}
