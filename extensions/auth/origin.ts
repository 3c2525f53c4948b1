import type { IncomingHttpHeaders } from "node:http";
import { matches } from "./pattern.ts";

/** Among the allowed origins: pages of the host that they connect to, and of the visitor's own machine. */
export const sameHost = "same-host";

/** An upgrade request, as far as it says whose it is. */
export interface Origins {
	readonly headers: IncomingHttpHeaders;
	/** Our end of the connection; `undefined` when it is none of a network. */
	readonly localAddress: string | undefined;
}

/**
 * Whether a page of this origin may connect. A browser always says its origin, and truly; other programs may say none or anything, so this
 * keeps foreign pages from using a visitor's browser, and nobody else.
 * @param allowed Origins with `*` for anything, and {@link sameHost}.
 */
export function isOriginAllowed(request: Origins, allowed: readonly string[]): boolean {
	const { origin } = request.headers;
	if (origin === undefined) return true;
	const asked = origin.toLowerCase();
	return allowed.some((pattern) =>
		pattern === sameHost ? isOfSameHost(asked, request) : matches(pattern.toLowerCase(), asked),
	);
}

/**
 * A page of the host that the request was made to, on any port and with or without TLS; or one of the visitor's own machine, such as a
 * development server.
 */
function isOfSameHost(origin: string, request: Origins): boolean {
	if (isRebound(request)) return false;
	const pageHost = URL.parse(origin)?.hostname;
	if (pageHost === undefined || pageHost === "") return false;
	if (isLoopbackName(pageHost)) return true;
	const { host, "x-forwarded-host": forwardedHost } = request.headers;
	// No page can make its visitor's browser send this header with a WebSocket; proxies do that change `Host`.
	const named = [host, ...String(forwardedHost ?? "").split(",")];
	return named.some((name) => name !== undefined && hostNameOf(name.trim()) === pageHost);
}

/**
 * Whether a name that is not this machine's has led to its loopback address: somebody lets their own name point here, and their page is
 * of the host that it connects to (DNS rebinding). Not when a proxy has passed the request on, which keeps the name.
 */
function isRebound({ headers, localAddress }: Origins): boolean {
	const isForwarded = headers["x-forwarded-for"] !== undefined || headers["x-forwarded-host"] !== undefined;
	if (isForwarded || localAddress === undefined) return false;
	if (!isLoopbackName(localAddress.replace(/^::ffff:/i, "").replace(/^::1$/, "[::1]"))) return false;
	const name = hostNameOf(headers.host ?? "");
	return name === undefined || !isLoopbackName(name);
}

/** Without the port, as a URL has it. */
function hostNameOf(host: string): string | undefined {
	return URL.parse(`http://${host}`)?.hostname || undefined;
}

/** Also what stands for all addresses: browsers lead it to their own machine. */
function isLoopbackName(name: string): boolean {
	return /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|0\.0\.0\.0|\[::1?\])$/.test(name);
}
