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

/**
 * @param ours What we have ended it with, if we have.
 * @param code What its `close` event says.
 */
export function endOf(ours: OurEnd | undefined, code: number): SocketEnd {
	if (ours !== undefined) return { code: ours.code, reason: ours.reason, by: "server" };
	return { code, reason: undefined, by: code === noHandshake ? "nobody" : "client" };
}

const noHandshake = 1006;
/** A peer that did not answer a ping. */
export const noAnswer: OurEnd = { code: noHandshake, reason: "no-answer" };
export const terminated: OurEnd = { code: noHandshake, reason: "terminated" };
