import type { IncomingMessage } from "node:http";
import type { TrustedProxies } from "./client-address.ts";

/** What gets into our log is a word, whoever has written it. */
const word = /^[\w.:+/=-]{1,64}$/;
/** W3C Trace Context, `traceparent`: version, trace, span, flags. */
const traceParent = /^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}/;

/**
 * What a trusted proxy calls a request: `X-Request-Id`, or else the trace in `traceparent`. Nobody else is believed: a
 * client could make its lines look like somebody else's.
 */
export function requestName(
	{ headers, socket }: IncomingMessage,
	proxies: TrustedProxies,
): string | undefined {
	const id = headers["x-request-id"];
	const { traceparent } = headers;
	if (id === undefined && traceparent === undefined) return undefined;
	if (!proxies.trusts(plainAddress(socket.remoteAddress ?? ""))) return undefined;
	if (typeof id === "string" && word.test(id)) return id;
	return typeof traceparent === "string" ? traceParent.exec(traceparent)?.[1] : undefined;
}

/** As networks are written for the proxies: not IPv4 in IPv6. */
function plainAddress(address: string): string {
	return address.replace(/^::ffff:(?=\d+\.)/i, "");
}
