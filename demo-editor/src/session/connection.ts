import { HocuspocusProviderWebsocket } from "@hocuspocus/provider";

/** `vite dev` proxies this path; a node takes WebSockets on any. */
const path = "/sync";
/** Of a document's name, in characters; an address can't be of any length. */
const nameLengthMax = 256;

/**
 * A connection for one document. Its address names the document, for balancers that have the people of a document meet
 * on one node; nodes don't look at it. Waits 1, 2, 4, … up to 15 seconds between tries, each somewhere between 1 second
 * and that.
 */
export function openConnection(documentName: string): HocuspocusProviderWebsocket {
	const scheme = location.protocol === "https:" ? "wss" : "ws";
	const name = encodeURIComponent([...documentName].slice(0, nameLengthMax).join(""));
	return new HocuspocusProviderWebsocket({
		url: `${scheme}://${location.host}${path}?document=${name}`,
		delay: 1_000,
		factor: 2,
		minDelay: 1_000,
		maxDelay: 15_000,
		jitter: true,
	});
}

/** Ends it for good. A socket that is still opening is let open first: the browser complains otherwise. */
export function closeConnection(connection: HocuspocusProviderWebsocket): void {
	connection.shouldConnect = false;
	const socket = connection.webSocket;
	if (socket?.readyState !== WebSocket.CONNECTING) {
		connection.destroy();
		return;
	}
	for (const event of ["open", "error"]) {
		socket.addEventListener(event, () => connection.destroy(), { once: true });
	}
}

/** Tries again at once when the network is back or somebody looks at the page. @returns Stops it. */
export function reconnectWhenWatched(connection: HocuspocusProviderWebsocket): () => void {
	const wake = () => {
		if (document.visibilityState === "visible" && connection.status === "disconnected")
			void connection.connect();
	};
	addEventListener("online", wake);
	document.addEventListener("visibilitychange", wake);
	return () => {
		removeEventListener("online", wake);
		document.removeEventListener("visibilitychange", wake);
	};
}
