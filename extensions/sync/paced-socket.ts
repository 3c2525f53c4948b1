import type { WebSocketLike } from "@hocuspocus/server";

/** Takes the messages that begin with its address. */
export interface Route {
	readonly address: Uint8Array;
	receive(message: Uint8Array): void;
}

/** A client's socket that can do more than Hocuspocus asks of it; our own transport's can. */
export interface PacedSocket extends WebSocketLike {
	/** Edits that have come over it, and updates that were sent over it: for whoever writes an account of it. */
	edits: number;
	deliveries: number;
	/** How often it was read too slowly to be sent everything. */
	timesBehind: number;
	/** Bytes that were sent and that the system has not taken yet. */
	readonly bufferedBytes: number;
	/** Sends whole WebSocket frames (RFC 6455, section 5.2) in one write. Does nothing when the socket is not open. */
	sendFramed(frames: Uint8Array): void;
	/** Hands messages to a route and to nobody else; of several with the same address, the last one counts. */
	route(route: Route): void;
	/** Ends it. */
	unroute(route: Route): void;
	/**
	 * Calls `listener` once, when everything that was sent has been taken by the system; not when the socket ends first.
	 * @returns Takes it back.
	 */
	onceDrained(listener: () => void): () => void;
}

export function isPaced(socket: WebSocketLike): socket is PacedSocket {
	return "sendFramed" in socket;
}
