import { vi } from "vitest";
import { currentProcess } from "./simulated-process.ts";

/** From now on time passes when the test says so, from the same moment each time; timers belong to their process. */
export function startSimulatedTime(): void {
	vi.useFakeTimers({
		now: Date.UTC(2026, 0, 1),
		toFake: [
			"setTimeout",
			"clearTimeout",
			"setInterval",
			"clearInterval",
			"setImmediate",
			"clearImmediate",
			"performance",
			"Date",
		],
	});
	const { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate } = globalThis;
	const cleared = new WeakSet<object>();

	function bound<Args extends unknown[]>(callback: (...args: Args) => void, args: Args) {
		const process = currentProcess();
		if (process === undefined) return { run: () => callback(...args), belongsTo: (_: object) => {} };
		let timer: object | undefined;
		let isDue = false;
		const run = () => {
			// An interval that has come round several times while its process stood still fires once.
			if (isDue) return;
			isDue = true;
			process.timerFired(() => {
				isDue = false;
				if (timer === undefined || !cleared.has(timer)) callback(...args);
			});
		};
		return {
			run,
			belongsTo: (made: object) => {
				timer = made;
			},
		};
	}

	function scoped<Args extends unknown[]>(
		schedule: (run: () => void, delayMs: number | undefined) => object,
	): (callback: (...args: Args) => void, delayMs?: number, ...args: Args) => object {
		return (callback, delayMs, ...args) => {
			const { run, belongsTo } = bound(callback, args);
			const timer = schedule(run, delayMs);
			belongsTo(timer);
			return timer;
		};
	}

	function clearing(clear: (timer: never) => void): (timer: unknown) => void {
		return (timer) => {
			if (typeof timer === "object" && timer !== null) cleared.add(timer);
			clear(timer as never);
		};
	}

	Object.assign(globalThis, {
		setTimeout: scoped((run, delayMs) => setTimeout(run, delayMs)),
		setInterval: scoped((run, delayMs) => setInterval(run, delayMs)),
		setImmediate: <Args extends unknown[]>(callback: (...args: Args) => void, ...args: Args) =>
			scoped<Args>((run) => setImmediate(run))(callback, undefined, ...args),
		clearTimeout: clearing(clearTimeout),
		clearInterval: clearing(clearInterval),
		clearImmediate: clearing(clearImmediate),
	});
}
