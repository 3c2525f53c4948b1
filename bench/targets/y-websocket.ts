/** The server of `y-websocket`: plain y-protocols, documents in memory only, nothing acknowledged. Argument: `TargetSettings`. */
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { type WebSocket, WebSocketServer } from "ws";
import { serveUnsaved } from "./unsaved.ts";

/** It has no types and is CommonJS, so that it has a Yjs of its own. */
const { setupWSConnection } = createRequire(import.meta.url)("y-websocket/bin/utils") as {
	setupWSConnection(webSocket: WebSocket, request: unknown): void;
};

const httpServer = createServer();
// As its `bin/server` does it.
const webSockets = new WebSocketServer({ server: httpServer });
webSockets.on("connection", setupWSConnection);
serveUnsaved(httpServer, webSockets);
