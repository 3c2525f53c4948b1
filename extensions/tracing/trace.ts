import { randomBytes } from "node:crypto";
import {
	type Span,
	type SpanAttributes,
	type SpanContext,
	spanIdBytes,
	spanKind,
	traceIdBytes,
} from "./span.ts";

export interface TraceStart {
	readonly name: string;
	readonly kind: number;
	readonly startMs: number;
	/** In another process. */
	readonly parent?: SpanContext | undefined;
	readonly attributes?: SpanAttributes;
}

export interface SpanDetails {
	/** Its root's child by default. */
	readonly parent?: SpanContext | undefined;
	readonly kind?: number;
	readonly attributes?: SpanAttributes;
	readonly error?: string | undefined;
}

/**
 * The way of one thing through this process: a root span, and one for each step, told together when the last step that
 * was begun is over. Steps may overlap and end in any order.
 */
export class Trace {
	readonly context: SpanContext;
	readonly #start: TraceStart;
	readonly #deliver: (spans: readonly Span[]) => void;
	readonly #steps: Span[] = [];
	#attributes: SpanAttributes;
	#error: string | undefined;
	#endMs: number;
	/** Steps that are not over. */
	#open = 0;
	#isDelivered = false;

	/** @param deliver Called once, with the root span last. */
	constructor(start: TraceStart, deliver: (spans: readonly Span[]) => void) {
		this.context = {
			traceId: start.parent?.traceId ?? randomBytes(traceIdBytes).toString("hex"),
			spanId: newSpanId(),
		};
		this.#start = start;
		this.#attributes = start.attributes ?? {};
		this.#endMs = start.startMs;
		this.#deliver = deliver;
	}

	/** Adds to what the root span says. */
	describe(attributes: SpanAttributes): void {
		this.#attributes = { ...this.#attributes, ...attributes };
	}

	/** A step has begun: the trace is not over before it. Follow it with {@link end}, once. */
	begin(): void {
		this.#open += 1;
	}

	/** A step that was begun is over. When it was the last one, so is the trace. */
	end(name: string, startMs: number, endMs: number, details?: SpanDetails): void {
		this.add(name, startMs, endMs, details);
		this.release();
	}

	/** A step that was begun is over, and left no span. */
	release(): void {
		this.#open -= 1;
		if (this.#open <= 0) this.finish();
	}

	/** Tells what there is; what ends later is left out. */
	finish(): void {
		if (this.#isDelivered) return;
		this.#isDelivered = true;
		this.#deliver([...this.#steps, this.#root()]);
	}

	/** Adds a step that needed no waiting for. */
	add(name: string, startMs: number, endMs: number, details: SpanDetails = {}): SpanContext {
		const { parent = this.context, kind = spanKind.internal, attributes = {}, error } = details;
		const context = { traceId: this.context.traceId, spanId: newSpanId() };
		this.#steps.push({
			context,
			parentSpanId: parent.spanId,
			name,
			kind,
			startMs,
			endMs,
			attributes,
			error,
		});
		this.#endMs = Math.max(this.#endMs, endMs);
		this.#error ??= error;
		return context;
	}

	#root(): Span {
		const { name, kind, startMs, parent } = this.#start;
		return {
			context: this.context,
			parentSpanId: parent?.spanId,
			name,
			kind,
			startMs,
			endMs: this.#endMs,
			attributes: this.#attributes,
			error: this.#error,
		};
	}
}

function newSpanId(): string {
	return randomBytes(spanIdBytes).toString("hex");
}
