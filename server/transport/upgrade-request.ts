import type { IncomingHttpHeaders } from "node:http";
import { copied } from "./kept-text.ts";

/** A request that asks for another protocol, as far as it is looked at: Node.js' `IncomingMessage` is one. */
export interface UpgradeRequest {
	readonly method?: string | undefined;
	readonly url?: string | undefined;
	readonly headers: IncomingHttpHeaders;
	/** Names and values of header fields in turn, as they were written. */
	readonly rawHeaders: readonly string[];
	readonly socket: Ends;
}

/** Addresses of a connection's two ends; `undefined` when it is none of a network, or is gone. */
export interface Ends {
	readonly remoteAddress?: string | undefined;
	readonly localAddress?: string | undefined;
}

/** A request for a WebSocket, and how much of what came it is. */
export interface WebSocketRequest extends UpgradeRequest {
	readonly bytes: number;
}

/** Of RFC 9112, section 3, in origin form, which is all that clients and proxies send. */
const requestLine = /^GET (\/[!-~]*) HTTP\/1\.1\r\n/;
/**
 * A field of RFC 9112, section 5: a token, a colon, and what can be seen. Spaces around it are left out later: an expression that does so may be tried in
 * as many ways as there are pairs of spaces.
 */
const fieldLine = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t -~]*)\r\n/y;
const upgradeOption = /(?:^|,)[\t ]*upgrade[\t ]*(?:,|$)/i;
const headEnd = "\r\n\r\n";
/** As in Node.js' `maxHeaderSize`, of which this is a little less. */
const headBytesMax = 16_000;
const fieldsMax = 64;

/** What a body would be announced with, and what Node.js treats in ways of its own. */
const otherFields: ReadonlySet<string> = new Set([
	"__proto__",
	"content-length",
	"expect",
	"set-cookie",
	"transfer-encoding",
]);

/**
 * Reads a request for a WebSocket that came in one piece and is as all clients write it. Pure. Whatever is unusual is left to Node.js' HTTP: what is
 * read here is read there as well, with the same outcome.
 * @param text What came, a character for each byte.
 * @param socket Of the connection.
 * @returns `undefined` for all else.
 */
export function readWebSocketRequest(text: string, socket: Ends): WebSocketRequest | undefined {
	const end = text.indexOf(headEnd);
	if (end === -1 || end > headBytesMax) return undefined;
	const url = requestLine.exec(text)?.[1];
	if (url === undefined) return undefined;
	const rawHeaders: string[] = [];
	const headers = Object.create(null) as IncomingHttpHeaders;
	// "GET  HTTP/1.1\r\n"
	let at = 15 + url.length;
	while (at < end + 2) {
		fieldLine.lastIndex = at;
		const field = fieldLine.exec(text);
		if (field === null) return undefined;
		const [{ length }, name = "", written = ""] = field;
		const key = name.toLowerCase();
		if (key in headers || otherFields.has(key) || rawHeaders.length === 2 * fieldsMax) return undefined;
		const value = copied(written.trim());
		headers[key] = value;
		rawHeaders.push(name, value);
		at += length;
	}
	const { host, connection, upgrade } = headers;
	if (host === undefined || connection === undefined || upgrade?.toLowerCase() !== "websocket")
		return undefined;
	if (!upgradeOption.test(connection)) return undefined;
	return { method: "GET", url: copied(url), headers, rawHeaders, socket, bytes: end + headEnd.length };
}
