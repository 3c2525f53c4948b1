import { AsyncLocalStorage } from "node:async_hooks";

/** Whose code runs now. Timers and what follows from promises stay with the process that made them. */
const current = new AsyncLocalStorage<SimulatedProcess | undefined>();

type State =
	| { readonly status: "running" }
	/** What would have happened meanwhile: timers come first, as Node.js does it when it goes on. */
	| { readonly status: "standing still"; readonly timers: (() => void)[]; readonly messages: (() => void)[] }
	/** It catches up, and nothing new overtakes what is old. */
	| { readonly status: "catching up"; readonly due: (() => void)[] }
	| { readonly status: "dead" };

/** A process among several in this one: it can stand still with all its timers, and it can die. */
export class SimulatedProcess {
	#state: State = { status: "running" };

	get status(): State["status"] {
		return this.#state.status;
	}

	/** Runs its code. */
	run<T>(work: () => T): T {
		return current.run(this, work);
	}

	/** Something comes to it from outside. A process that stands still gets it later; a dead one, never. */
	receive(message: () => void): void {
		this.#happen("messages", message);
	}

	timerFired(callback: () => void): void {
		this.#happen("timers", callback);
	}

	/** `SIGSTOP` */
	pause(): void {
		if (this.#state.status === "running")
			this.#state = { status: "standing still", timers: [], messages: [] };
	}

	/** `SIGCONT` */
	async resume(): Promise<void> {
		if (this.#state.status !== "standing still") return;
		const { timers, messages } = this.#state;
		const due = [...timers, ...messages];
		this.#state = { status: "catching up", due };
		for (let event = due.shift(); event !== undefined; event = due.shift()) {
			this.run(event);
			await microtasksDone();
			if (this.#isDead) return;
		}
		this.#state = { status: "running" };
	}

	/** `SIGKILL` */
	kill(): void {
		this.#state = { status: "dead" };
	}

	get #isDead(): boolean {
		return this.#state.status === "dead";
	}

	#happen(kind: "timers" | "messages", event: () => void): void {
		const state = this.#state;
		if (state.status === "running") this.run(event);
		else if (state.status === "standing still") state[kind].push(event);
		else if (state.status === "catching up") state.due.push(event);
	}
}

/** Runs what belongs to no process: the network, people, the test. */
export function outside<T>(work: () => T): T {
	return current.run(undefined, work);
}

export function currentProcess(): SimulatedProcess | undefined {
	return current.getStore();
}

const { setImmediate: realSetImmediate } = globalThis;

function microtasksDone(): Promise<void> {
	return new Promise((resolve) => realSetImmediate(resolve));
}
