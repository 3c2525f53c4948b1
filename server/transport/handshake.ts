import { hash } from "node:crypto";
import { retryAfterSeconds } from "../load/retry-after.ts";
import { STATUS_CODES } from "../node-http.ts";
import type { Refusable } from "./doorstep.ts";
import type { UpgradeRequest } from "./upgrade-request.ts";

/** A WebSocket's opening handshake (RFC 6455, section 4.2): whether a request can be accepted, and what it is answered. */
export type Handshake =
	| { readonly type: "accepted"; readonly response: string }
	| { readonly type: "refused"; readonly status: number; readonly reason: string };

const version = "13";
/** 16 bytes in base64. */
const keyFormat = /^[+/0-9A-Za-z]{22}==$/;
/** A token of HTTP (RFC 9110, section 5.6.2). */
const tokenFormat = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Of RFC 6455, section 1.3. */
const acceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/**
 * @param request An upgrade request.
 * @param furtherLines Of the answer, if it is accepted.
 */
export function answerHandshake(request: UpgradeRequest, furtherLines: () => readonly string[]): Handshake {
	const { method, headers: given } = request;
	if (method !== "GET") return refused(405, "A WebSocket begins with GET.");
	if (!asksForWebSocket(request)) return refused(400, "The only upgrade is to: websocket.");
	// Node would hand over something that only looks like a socket.
	if (hasBody(request)) return refused(400, "The request that begins a WebSocket has no body.");
	const key = given["sec-websocket-key"];
	if (key === undefined || !keyFormat.test(key)) {
		return refused(400, "Sec-WebSocket-Key is missing or is not 16 bytes in base64.");
	}
	if (given["sec-websocket-version"] !== version) {
		return refused(426, `Sec-WebSocket-Version must be ${version}.`);
	}
	const protocol = firstProtocol(given["sec-websocket-protocol"]);
	if (protocol === null) return refused(400, "Sec-WebSocket-Protocol is not a list of names.");
	const lines = [
		"HTTP/1.1 101 Switching Protocols",
		"Upgrade: websocket",
		"Connection: Upgrade",
		`Sec-WebSocket-Accept: ${hash("sha1", key + acceptSuffix, "base64")}`,
		// A browser that asks for some fails when none is chosen.
		...(protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
		...furtherLines(),
	];
	return { type: "accepted", response: `${lines.join("\r\n")}\r\n\r\n` };
}

/**
 * Whether a request asks for a WebSocket, for an HTTP server's `shouldUpgradeCallback`: Java's HTTP client, and others, offer with their
 * first request to go on with HTTP/2 (`Upgrade: h2c`), and are to be answered as if they had not (RFC 9110, section 7.8).
 */
export function asksForWebSocket({ headers }: Pick<UpgradeRequest, "headers">): boolean {
	return headers.upgrade?.toLowerCase() === "websocket";
}

function hasBody({ headers }: UpgradeRequest): boolean {
	return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

function firstProtocol(offered: string | undefined): string | undefined | null {
	if (offered === undefined) return undefined;
	const [first = "", ...others] = offered.split(",").map((name) => name.trim());
	return [first, ...others].every((name) => tokenFormat.test(name)) ? first : null;
}

function refused(status: number, reason: string): Handshake {
	return { type: "refused", status, reason };
}

const furtherHeaders: Partial<Record<number, () => string>> = {
	405: () => "Allow: GET",
	426: () => `Sec-WebSocket-Version: ${version}\r\nUpgrade: websocket`,
	429: retryAfter,
	500: retryAfter,
	503: retryAfter,
};

function retryAfter(): string {
	return `Retry-After: ${retryAfterSeconds(Math.random())}`;
}

/** Answers an upgrade request with an HTTP error, as RFC 6455 section 4.2.2 allows, and ends it. */
export function refuseUpgrade(socket: Refusable, status: number, reason: string): void {
	socket.on("error", () => {});
	// Sockets of Node's HTTP server stay half open for as long as the other side likes.
	socket.once("finish", () => socket.destroy());
	const lines = [
		`HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
		"Connection: close",
		"Content-Type: text/plain; charset=utf-8",
		furtherHeaders[status]?.(),
		`Content-Length: ${Buffer.byteLength(reason)}`,
	];
	socket.end(`${lines.filter((line) => line !== undefined).join("\r\n")}\r\n\r\n${reason}`);
}
