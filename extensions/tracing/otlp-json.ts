import type { Span, SpanAttributes } from "./span.ts";

/** Who sends spans, such as `service.name`. */
export type Resource = Readonly<Record<string, string>>;

const statusError = 2;

/**
 * Spans as an OTLP/HTTP request in JSON (opentelemetry-proto, `collector/trace/v1`; the JSON mapping of the OTLP
 * specification has identifiers in hexadecimal and 64-bit numbers as text). Pure.
 * @param epochMs Unix time at zero of the spans' clock, in ms.
 */
export function otlpRequest(spans: readonly Span[], resource: Resource, epochMs: number): string {
	return JSON.stringify({
		resourceSpans: [
			{
				resource: { attributes: attributesOf(resource) },
				scopeSpans: [{ scope: { name: "indelible" }, spans: spans.map((span) => spanOf(span, epochMs)) }],
			},
		],
	});
}

function spanOf({ context, parentSpanId, ...span }: Span, epochMs: number): object {
	return {
		traceId: context.traceId,
		spanId: context.spanId,
		...(parentSpanId === undefined ? {} : { parentSpanId }),
		name: span.name,
		kind: span.kind,
		startTimeUnixNano: unixNanos(epochMs + span.startMs),
		endTimeUnixNano: unixNanos(epochMs + span.endMs),
		attributes: attributesOf(span.attributes),
		...(span.error === undefined ? {} : { status: { code: statusError, message: span.error } }),
	};
}

function attributesOf(attributes: SpanAttributes): object[] {
	return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: string | number | boolean): object {
	if (typeof value === "string") return { stringValue: value };
	if (typeof value === "boolean") return { boolValue: value };
	return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** A double has microseconds of today's Unix time in ms, and no more. */
function unixNanos(unixMs: number): string {
	return String(BigInt(Math.round(unixMs * 1_000)) * 1_000n);
}
