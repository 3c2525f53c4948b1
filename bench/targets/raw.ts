/** A `ws` loop: each message goes to each of the others with a `send` of its own. */
import { serveBroadcaster } from "./broadcaster.ts";

serveBroadcaster(
	(_socket, webSocket) => webSocket,
	(message, peers) => {
		for (const peer of peers) peer.send(message);
	},
);
