import type { WebSocket } from "ws";

/** How a socket ended. */
export interface SocketEnd {
	/** 1006 when there was no closing handshake. */
	readonly code: number;
	/** Ours. What a client gives as its reason is for nobody here. */
	readonly reason: string | undefined;
	/** Nobody wanted it when the connection was lost. */
	readonly by: "server" | "client" | "nobody";
}

/** What we said or did to end it, if we did. */
export interface OurEnd {
	readonly code: number;
	readonly reason: string;
}

/** Of sockets that `ws` has ended by itself, which are few. */
const failures = new WeakMap<WebSocket, OurEnd>();

/** For the `error` event of `ws`: a frame that is too big or violates the protocol, or a reset. Made once for all sockets. */
export function noteFailure(this: WebSocket, { code }: NodeJS.ErrnoException): void {
	// Whatever else comes as an error is the network's.
	if (!code?.startsWith("WS_ERR_")) return;
	const isTooBig = code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";
	failures.set(this, { code: isTooBig ? 1009 : 1002, reason: code });
}

/**
 * @param ours What we have ended it with, if we have.
 * @param code What its `close` event says.
 */
export function endOf(ws: WebSocket, ours: OurEnd | undefined, code: number): SocketEnd {
	const end = failures.get(ws) ?? ours;
	if (end !== undefined) return { ...end, by: "server" };
	return { code, reason: undefined, by: code === noHandshake ? "nobody" : "client" };
}

const noHandshake = 1006;
/** A peer that did not answer a ping. */
export const noAnswer: OurEnd = { code: noHandshake, reason: "no-answer" };
export const terminated: OurEnd = { code: noHandshake, reason: "terminated" };
