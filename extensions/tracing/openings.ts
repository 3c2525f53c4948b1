import type { Hocuspocus, HookName } from "@hocuspocus/server";
import { type SpanContext, spanKind } from "./span.ts";
import type { Trace, TraceStart } from "./trace.ts";

/** Whoever decides what is traced. */
export interface OpeningTracer {
	readonly clock: { now(): number };
	samples(): boolean;
	start(start: TraceStart): Trace;
}

/** What Hocuspocus does to open a document for a client, by the hooks that it runs: names of spans. */
const steps: Partial<Record<HookName, string>> = {
	onConnect: "connect",
	onAuthenticate: "authenticate",
	onCreateDocument: "create document",
	onLoadDocument: "load document",
	afterLoadDocument: "after loading",
	connected: "connected",
};

/** What is kept of a hook's payload. */
interface HookPayload {
	readonly socketId?: string;
	readonly documentName?: string;
	readonly request?: Request;
}

/** Openings that are not over, at most: a client that goes amid one tells nobody. */
const openingsMax = 200;

/** Traces how documents are opened for clients, from the first message until the client is connected to the document. */
export class Openings {
	readonly #tracer: OpeningTracer;
	readonly #parentOf: (request: Request) => SpanContext | undefined;
	/** Oldest first. */
	readonly #openings = new Map<string, Trace>();

	constructor(tracer: OpeningTracer, parentOf: (request: Request) => SpanContext | undefined) {
		this.#tracer = tracer;
		this.#parentOf = parentOf;
	}

	get(socketId: string, documentName: string): Trace | undefined {
		return this.#openings.get(keyOf(socketId, documentName));
	}

	/** Has hooks timed whose client is traced. They do what they do. */
	watch(instance: Hocuspocus): void {
		const run = instance.hooks.bind(instance);
		instance.hooks = (name, payload, callback) => {
			const step = steps[name];
			if (step === undefined) return run(name, payload, callback);
			const given: HookPayload = Object(payload);
			if (name === "onConnect") this.#begin(given);
			const { socketId = "", documentName = "" } = given;
			const opening = this.#openings.get(keyOf(socketId, documentName));
			if (opening === undefined) return run(name, payload, callback);
			return this.#timed(step, opening, keyOf(socketId, documentName), () => run(name, payload, callback));
		};
	}

	async #timed<Result>(step: string, trace: Trace, key: string, run: () => Promise<Result>): Promise<Result> {
		const { clock } = this.#tracer;
		const startMs = clock.now();
		try {
			const result = await run();
			trace.add(step, startMs, clock.now());
			if (step === steps.connected) this.#end(key, trace);
			return result;
		} catch (error) {
			// A hook's own words may hold anything.
			trace.add(step, startMs, clock.now(), { error: reasonOf(error) });
			this.#end(key, trace);
			throw error;
		}
	}

	#begin({ socketId, documentName, request }: HookPayload): void {
		if (socketId === undefined || documentName === undefined) return;
		const parent = request === undefined ? undefined : this.#parentOf(request);
		if (parent === undefined && !this.#tracer.samples()) return;
		const trace = this.#tracer.start({
			name: "open document",
			kind: spanKind.server,
			startMs: this.#tracer.clock.now(),
			parent,
			attributes: { "indelible.connection": socketId },
		});
		const key = keyOf(socketId, documentName);
		const unfinished = this.#openings.get(key);
		if (unfinished !== undefined) this.#end(key, unfinished);
		const [oldest] = this.#openings;
		if (oldest !== undefined && this.#openings.size >= openingsMax) this.#end(...oldest);
		this.#openings.set(key, trace);
	}

	#end(key: string, trace: Trace): void {
		// The client may be opening it anew.
		if (this.#openings.get(key) === trace) this.#openings.delete(key);
		trace.finish();
	}
}

function keyOf(socketId: string, documentName: string): string {
	return `${socketId} ${documentName}`;
}

/** What a client is told, which is a word; or that it failed. */
function reasonOf(error: unknown): string {
	const { reason } = Object(error) as { readonly reason?: unknown };
	return typeof reason === "string" && /^[\w-]{1,64}$/.test(reason) ? reason : "failed";
}
