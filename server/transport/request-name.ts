import { readTraceParent, type SpanContext } from "../../extensions/tracing/span.ts";
import type { TrustedProxies } from "./client-address.ts";
import type { UpgradeRequest } from "./upgrade-request.ts";

/** What gets into our log is a word, whoever has written it. */
const word = /^[\w.:+/=-]{1,64}$/;
/** W3C Trace Context, `traceparent`: version, trace, span, flags. */
const traceParent = /^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}/;
const traceParents = new WeakMap<Request, string>();

/**
 * What a trusted proxy calls a request: `X-Request-Id`, or else the trace in `traceparent`. Nobody else is believed: a
 * client could make its lines look like somebody else's.
 */
export function requestName(
	{ headers, socket }: UpgradeRequest,
	proxies: TrustedProxies,
): string | undefined {
	const id = headers["x-request-id"];
	const { traceparent } = headers;
	if (id === undefined && traceparent === undefined) return undefined;
	if (!proxies.trusts(plainAddress(socket.remoteAddress ?? ""))) return undefined;
	if (typeof id === "string" && word.test(id)) return id;
	return typeof traceparent === "string" ? traceParent.exec(traceparent)?.[1] : undefined;
}

/** Remembers of what trace a request is a part, when a trusted proxy says so, for as long as there is the request. */
export function noteTraceParent(request: Request, from: UpgradeRequest, proxies: TrustedProxies): void {
	const { traceparent } = from.headers;
	if (typeof traceparent !== "string") return;
	if (proxies.trusts(plainAddress(from.socket.remoteAddress ?? ""))) traceParents.set(request, traceparent);
}

/** Of what trace a request is a part that hooks are given, if its sender records its own. */
export function traceParentOf(request: Request): SpanContext | undefined {
	const header = traceParents.get(request);
	return header === undefined ? undefined : readTraceParent(header);
}

/** As networks are written for the proxies: not IPv4 in IPv6. */
function plainAddress(address: string): string {
	return address.replace(/^::ffff:(?=\d+\.)/i, "");
}
