import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Plugin, type Rollup, transformWithOxc } from "vite";

/** What must be there to open any kind of document without a server. */
const neededChunks = ["document-page", "text-editor", "code-pad", "board"];

const smallChars = 60_000;

/** Those of `public/` have no hash in their names. */
const publicFiles = ["/icon.svg", "/first-paint.js"];

/**
 * Emits `/service-worker.js` from `src/service-worker.ts`, with the list of files that it fetches beforehand: the shell,
 * the three editors, and all that they import at once.
 */
export function serviceWorker(): Plugin {
	return {
		name: "service-worker",
		apply: "build",
		enforce: "post",
		generateBundle: {
			order: "post",
			async handler(_options, bundle) {
				const files = [...neededFiles(bundle)].sort().map((file) => `/${file}`);
				const source = readFileSync(new URL("./src/service-worker.ts", import.meta.url), "utf8");
				const page = bundle["index.html"];
				const hash = createHash("sha256")
					.update(source)
					.update(files.join())
					.update(page?.type === "asset" ? page.source : "");
				for (const file of publicFiles) {
					hash.update(readFileSync(new URL(`./public${file}`, import.meta.url)));
					files.push(file);
				}
				const version = hash.digest("hex").slice(0, 12);
				const { code: stripped } = await transformWithOxc(source, "service-worker.ts");
				const code = stripped
					.replace('"the list of files"', JSON.stringify(files))
					.replace('"the version"', JSON.stringify(version))
					.replace(/^export \{\};$/m, "");
				this.emitFile({ type: "asset", fileName: "service-worker.js", source: code });
			},
		},
	};
}

/** Excalidraw loads its English texts and small parts when it starts. Not other languages, nor what it rarely uses. */
function isNeededLater(chunk: Rollup.OutputAsset | Rollup.OutputChunk | undefined): boolean {
	if (chunk?.type !== "chunk") return false;
	const isOtherLanguage = /^[a-z]{2,3}-[A-Z]/.test(chunk.name) && !chunk.name.startsWith("en-");
	return !isOtherLanguage && chunk.code.length < smallChars;
}

function neededFiles(bundle: Rollup.OutputBundle): Set<string> {
	const files = new Set<string>();
	const add = (fileName: string) => {
		const chunk = bundle[fileName];
		if (files.has(fileName) || chunk === undefined) return;
		files.add(fileName);
		if (chunk.type !== "chunk") return;
		for (const imported of chunk.imports) add(imported);
		for (const css of chunk.viteMetadata?.importedCss ?? []) add(css);
	};
	for (const output of Object.values(bundle)) {
		if (output.type !== "chunk" || !(output.isEntry || neededChunks.includes(output.name))) continue;
		add(output.fileName);
		for (const later of output.dynamicImports) if (isNeededLater(bundle[later])) add(later);
	}
	return files;
}
