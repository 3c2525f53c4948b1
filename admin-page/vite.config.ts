import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

/** In development the node is proxied: `INDELIBLE_SERVER` says where it listens. */
const server = process.env.INDELIBLE_SERVER ?? "http://127.0.0.1:1234";

export default defineConfig({
	root: fileURLToPath(new URL(".", import.meta.url)),
	base: "/admin/",
	/** It has the editors' icon, and their way to the theme. */
	publicDir: fileURLToPath(new URL("../demo-editor/public", import.meta.url)),
	build: {
		outDir: "../dist/admin",
		emptyOutDir: true,
		target: "es2023",
		modulePreload: { polyfill: false },
	},
	server: { proxy: { "/api/admin": server } },
});
