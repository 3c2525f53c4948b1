export { readTraceParent, type Span, type SpanContext } from "./span.ts";
export { Tracing, type TracingOptions } from "./tracing.ts";
