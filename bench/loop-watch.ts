import { monitorEventLoopDelay } from "node:perf_hooks";

const resolutionMs = 5;

/** Measures how long the event loop is late; costs a timer while it does. */
export function watchLoop(): { start(): void; end(): number } {
	const delay = monitorEventLoopDelay({ resolution: resolutionMs });
	return {
		start() {
			delay.reset();
			delay.enable();
		},
		/** @returns The 99th percentile in ms. What Node measures holds the timer's own time. */
		end() {
			delay.disable();
			return Math.max(0, delay.percentile(99) / 1e6 - resolutionMs);
		},
	};
}
