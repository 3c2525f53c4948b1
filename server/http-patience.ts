import type { ServerOptions } from "node:http";

/**
 * How long an HTTP connection may keep a place without a whole request: whoever says nothing, or a byte now and then, is cut
 * off. WebSockets are none of them any more. In ms.
 */
export const httpPatience = {
	/** From the connection, or the first byte of a request, to the end of its head. */
	headersTimeout: 10_000,
	/** To the end of its body. Nothing that is sent here is large. */
	requestTimeout: 15_000,
	connectionsCheckingInterval: 5_000,
} as const satisfies ServerOptions;

/** For whoever connects and does not begin, or end, with TLS. In ms. */
export const tlsHandshakeTimeout = 10_000;
