/** What names a span everywhere: its trace and itself, as W3C Trace Context has them. */
export interface SpanContext {
	/** 32 hexadecimal digits. */
	readonly traceId: string;
	/** 16 hexadecimal digits. */
	readonly spanId: string;
}

/** As OpenTelemetry numbers them (`opentelemetry/proto/trace/v1/trace.proto`, `SpanKind`). */
export const spanKind = { internal: 1, server: 2, producer: 4, consumer: 5 } as const;

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** Something that has taken time, and is over. */
export interface Span {
	readonly context: SpanContext;
	readonly parentSpanId: string | undefined;
	readonly name: string;
	readonly kind: number;
	/** By the clock of the server's extensions, in ms. */
	readonly startMs: number;
	readonly endMs: number;
	readonly attributes: SpanAttributes;
	/** Why it failed, if it did. */
	readonly error: string | undefined;
}

export const traceIdBytes = 16;
export const spanIdBytes = 8;

const pattern = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})/;
const sampledFlag = 1;

/**
 * Reads a `traceparent` header (W3C Trace Context, level 1).
 * @returns Whose child our spans are, if whoever wrote it records its own.
 */
export function readTraceParent(header: string): SpanContext | undefined {
	const [, traceId, spanId, flags] = pattern.exec(header) ?? [];
	if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
	const isValid = !/^0+$/.test(traceId) && !/^0+$/.test(spanId);
	return isValid && (Number.parseInt(flags, 16) & sampledFlag) !== 0 ? { traceId, spanId } : undefined;
}
