import { createReadStream, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

const families = new URL("../node_modules/@excalidraw/excalidraw/dist/prod/fonts/", import.meta.url).pathname;

/** 13 MB of Chinese, Japanese and Korean handwriting: those fall back to the system's font, also when drawn. */
const leftOut = new Set(["Xiaolai"]);

function fontFiles(): string[] {
	return readdirSync(families)
		.filter((family) => !leftOut.has(family))
		.flatMap((family) => readdirSync(join(families, family)).map((file) => `${family}/${file}`));
}

/** Serves Excalidraw's fonts from our own origin: it would fetch them from a CDN otherwise. */
export function excalidrawFonts(): Plugin {
	return {
		name: "excalidraw-fonts",
		configureServer(server) {
			server.middlewares.use("/fonts", (request, response, next) => {
				const file = (request.url ?? "").slice(1).split("?")[0] ?? "";
				if (!fontFiles().includes(file)) return next();
				response.setHeader("content-type", "font/woff2");
				createReadStream(join(families, file)).pipe(response);
			});
		},
		generateBundle() {
			for (const file of fontFiles()) {
				this.emitFile({
					type: "asset",
					fileName: `fonts/${file}`,
					source: readFileSync(join(families, file)),
				});
			}
		},
	};
}
