import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { excalidrawFonts } from "./excalidraw-fonts.ts";
import { serviceWorker } from "./service-worker-plugin.ts";

/** In development the node's WebSocket is proxied: `INDELIBLE_SERVER` says where it listens. */
const server = process.env.INDELIBLE_SERVER ?? "http://127.0.0.1:1234";

export default defineConfig({
	root: fileURLToPath(new URL(".", import.meta.url)),
	plugins: [react(), excalidrawFonts(), serviceWorker()],
	build: {
		outDir: "../dist/demo",
		emptyOutDir: true,
		target: "es2023",
		/** Excalidraw's is larger, and loaded only when a whiteboard is opened. */
		chunkSizeWarningLimit: 2_000,
	},
	server: {
		proxy: {
			"/readyz": server,
			"/sync": { target: server, ws: true },
		},
	},
});
