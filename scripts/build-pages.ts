/**
 * Builds what browsers get: the demo editor into `dist/demo`, the admin page into `dist/admin`, with compressed copies of their files
 * beside them. `--if-stale`: only what has changed since the last build, in its sources or the installed packages.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

interface Page {
	readonly name: string;
	readonly title: string;
	/** Where its `vite.config.ts` is. */
	readonly folder: string;
	/** What else it is made of. */
	readonly borrowed: readonly string[];
}

const pages: readonly Page[] = [
	{ name: "demo", title: "demo editor", folder: "demo-editor", borrowed: [] },
	{
		name: "admin",
		title: "admin page",
		folder: "admin-page",
		borrowed: [
			"demo-editor/public",
			"demo-editor/src/styles",
			"demo-editor/src/local-storage.ts",
			"server/admin",
		],
	},
];

/** Other formats are compressed already. */
const compressible = new Set([".css", ".html", ".js", ".json", ".svg", ".txt", ".webmanifest"]);
const compressedBytesMin = 1_024;

function filesUnder(folder: string): string[] {
	if (statSync(folder).isFile()) return [folder];
	return readdirSync(folder, { recursive: true, encoding: "utf8" })
		.filter((path) => !path.includes("node_modules"))
		.map((path) => join(folder, path))
		.filter((path) => statSync(path).isFile())
		.sort();
}

function stampOf({ folder, borrowed }: Page): string {
	const hash = createHash("sha256");
	const sources = [folder, ...borrowed].flatMap((path) => filesUnder(join(root, path)));
	for (const path of [...sources, join(root, "package-lock.json"), fileURLToPath(import.meta.url)])
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

async function buildPage(page: Page): Promise<void> {
	const output = join(dist, page.name);
	/** What the last build was made from. */
	const stampFile = join(dist, `${page.name}.sha256`);
	const made = stampOf(page);
	const isFresh = existsSync(stampFile) && existsSync(output) && readFileSync(stampFile, "utf8") === made;
	if (process.argv.includes("--if-stale") && isFresh) return;
	console.log(`Building the ${page.title} …`);
	// Vite would heed another one, and build React for development, with this machine's paths in it.
	process.env.NODE_ENV = "production";
	const { build } = await import("vite");
	const folder = join(root, page.folder);
	await build({ configFile: join(folder, "vite.config.ts"), root: folder, logLevel: "warn" });
	await Promise.all(
		filesUnder(output)
			.filter((path) => compressible.has(extname(path)))
			.map(compress),
	);
	writeFileSync(stampFile, made);
}

for (const page of pages) await buildPage(page);
