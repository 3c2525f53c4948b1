import type { Server } from "node:http";
import type { WebSocketServer } from "ws";
import { serveBench, targetSettings } from "./protocol.ts";

/** Listens, as a target that saves nothing. */
export function serveUnsaved(httpServer: Server, webSockets: WebSocketServer): void {
	httpServer.listen({ port: targetSettings().port, host: "127.0.0.1", backlog: 4096 }, () => {
		const address = httpServer.address();
		if (address === null || typeof address === "string") throw new Error("no port");
		serveBench({
			port: address.port,
			totals: () => ({ commits: Number.NaN, documents: Number.NaN }),
			async close() {
				for (const webSocket of webSockets.clients) webSocket.terminate();
				httpServer.close();
			},
		});
	});
}
