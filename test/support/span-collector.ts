import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** A span as it came, with its attributes as values. */
export interface CollectedSpan {
	readonly traceId: string;
	readonly spanId: string;
	readonly parentSpanId: string | undefined;
	readonly name: string;
	readonly kind: number;
	readonly startNanos: bigint;
	readonly endNanos: bigint;
	readonly attributes: Readonly<Record<string, string | number | boolean>>;
	readonly status: { readonly code: number; readonly message: string } | undefined;
	readonly resource: Readonly<Record<string, string | number | boolean>>;
}

/** A receiver of OTLP/HTTP in JSON. */
export interface SpanCollector {
	readonly url: string;
	readonly spans: readonly CollectedSpan[];
	/** All that came, as text. */
	readonly bodies: readonly string[];
	/** Headers of each request. */
	readonly requests: readonly Readonly<Record<string, unknown>>[];
	/** With what it answers from now on; 200 at first. */
	status: number;
}

interface AnyValue {
	readonly stringValue?: string;
	readonly intValue?: string;
	readonly doubleValue?: number;
	readonly boolValue?: boolean;
}

type KeyValues = readonly { readonly key: string; readonly value: AnyValue }[];

interface WireSpan extends Omit<CollectedSpan, "attributes" | "startNanos" | "endNanos" | "resource"> {
	readonly startTimeUnixNano: string;
	readonly endTimeUnixNano: string;
	readonly attributes: KeyValues;
}

interface WireRequest {
	readonly resourceSpans: readonly {
		readonly resource: { readonly attributes: KeyValues };
		readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
	}[];
}

export async function startSpanCollector(): Promise<SpanCollector> {
	const spans: CollectedSpan[] = [];
	const bodies: string[] = [];
	const requests: Record<string, unknown>[] = [];
	const collector = { url: "", spans, bodies, requests, status: 200 };
	const server = createServer(async (request, response) => {
		let body = "";
		for await (const chunk of request) body += chunk;
		requests.push({ ...request.headers, path: request.url, method: request.method });
		if (collector.status === 200) {
			bodies.push(body);
			spans.push(...spansIn(JSON.parse(body) as WireRequest));
		}
		response.writeHead(collector.status, { "Content-Type": "application/json" }).end("{}");
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	onTestFinished(() => {
		server.close();
		server.closeAllConnections();
	});
	collector.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	return collector;
}

function spansIn({ resourceSpans }: WireRequest): CollectedSpan[] {
	return resourceSpans.flatMap(({ resource, scopeSpans }) =>
		scopeSpans.flatMap(({ spans }) =>
			spans.map(({ startTimeUnixNano, endTimeUnixNano, attributes, ...span }) => ({
				...span,
				startNanos: BigInt(startTimeUnixNano),
				endNanos: BigInt(endTimeUnixNano),
				attributes: valuesOf(attributes),
				resource: valuesOf(resource.attributes),
			})),
		),
	);
}

function valuesOf(attributes: KeyValues): Record<string, string | number | boolean> {
	return Object.fromEntries(
		attributes.map(({ key, value }) => {
			const { stringValue, intValue, doubleValue, boolValue } = value;
			return [
				key,
				stringValue ??
					(intValue === undefined ? undefined : Number(intValue)) ??
					doubleValue ??
					boolValue ??
					"",
			];
		}),
	);
}
