/**
 * Builds the demo editor into `dist/demo`, with compressed copies of its files beside them.
 * `--if-stale`: only when its sources or the installed packages changed since the last build.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const root = fileURLToPath(new URL("..", import.meta.url));
const sources = join(root, "demo-editor");
const output = join(root, "dist", "demo");
/** What the last build was made from. */
const stampFile = join(root, "dist", "demo.sha256");

/** Other formats are compressed already. */
const compressible = new Set([".css", ".html", ".js", ".json", ".svg", ".txt", ".webmanifest"]);
const compressedBytesMin = 1_024;

function filesUnder(folder: string): string[] {
	return readdirSync(folder, { recursive: true, encoding: "utf8" })
		.filter((path) => !path.includes("node_modules"))
		.map((path) => join(folder, path))
		.filter((path) => statSync(path).isFile())
		.sort();
}

function stamp(): string {
	const hash = createHash("sha256");
	const inputs = [...filesUnder(sources), join(root, "package-lock.json"), fileURLToPath(import.meta.url)];
	for (const path of inputs)
		hash.update(path.slice(root.length)).update("\0").update(readFileSync(path)).update("\0");
	return hash.digest("hex");
}

async function compress(path: string): Promise<void> {
	const content = readFileSync(path);
	if (content.byteLength < compressedBytesMin) return;
	// Level 9 comes within 4 % of 11, in a tenth of the time.
	const params = { [constants.BROTLI_PARAM_QUALITY]: 9 };
	writeFileSync(`${path}.br`, await promisify(brotliCompress)(content, { params }));
	writeFileSync(`${path}.gz`, await promisify(gzip)(content));
}

const made = stamp();
const isFresh = existsSync(stampFile) && existsSync(output) && readFileSync(stampFile, "utf8") === made;
if (!process.argv.includes("--if-stale") || !isFresh) {
	console.log("Building the demo editor …");
	// Vite would heed another one, and build React for development, with this machine's paths in it.
	process.env.NODE_ENV = "production";
	const { build } = await import("vite");
	await build({ configFile: join(sources, "vite.config.ts"), root: sources, logLevel: "warn" });
	await Promise.all(
		filesUnder(output)
			.filter((path) => compressible.has(extname(path)))
			.map(compress),
	);
	writeFileSync(stampFile, made);
}
