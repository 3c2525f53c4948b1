/**
 * Builds what Node.js runs of the package: `server/` and `extensions/` as a few JavaScript files in `dist/`, in place of some 300, and a type
 * declaration beside each source file. A start takes a fifth less processor time that way. Of others' only zod is in these files, of which a start would
 * read 95 and use a tenth; never Yjs and what belongs to it, of which there must be one in a process.
 */
import { execFileSync } from "node:child_process";
import { globSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type ChunkingContext, type InputOptions, type Plugin, rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

/** What programs import, and the command line. */
const entries = ["server/cli.ts", "server/index.ts", ...globSync("extensions/*/index.ts", { cwd: root })];
/** Each begins a thread. They are built by themselves: what they share with the main thread would bring along what they don't need. */
const threads = globSync("{server,extensions}/**/*-worker.ts", { cwd: root });

/** Where a module is believed to be, until it is known which file it ends up in. */
const builtPlace = "@built/";

/** Modules find files, and threads, by where they are themselves: each goes on believing that it is where its source is. */
const places: Plugin = {
	name: "places",
	transform(code, id) {
		if (!code.includes("import.meta.url")) return null;
		const place = `${builtPlace}${relative(root, id).replace(/\.ts$/, ".js")}`;
		return code.replaceAll("import.meta.url", `new URL("${place}", import.meta.url).href`);
	},
	renderChunk(code, { fileName }) {
		const up = relative(join(fileName, ".."), ".") || ".";
		return code.replaceAll(builtPlace, `${up}/`);
	},
};

const options: InputOptions = {
	cwd: root,
	platform: "node",
	external: (id) => !/^([./]|zod($|\/))/.test(id),
	plugins: [places],
};

function inputOf(sources: readonly string[]): Record<string, string> {
	return Object.fromEntries(sources.map((source) => [source.replace(/\.ts$/, ""), join(root, source)]));
}

/** What is loaded along with some modules. */
function loadedWith(sources: readonly string[], context: ChunkingContext): ReadonlySet<string> {
	const found = new Set(sources.map((source) => join(root, source)));
	for (const id of found)
		for (const needed of context.getModuleInfo(id)?.importedIds ?? []) found.add(needed);
	return found;
}

const names = { entryFileNames: "[name].js", chunkFileNames: "chunks/[name]-[hash].js" };
/** Its licence has to be with every copy. */
const banner = ({ name }: { readonly name: string }) =>
	name === "zod" ? `/* zod:\n${readFileSync(join(root, "node_modules/zod/LICENSE"), "utf8").trim()}\n*/` : "";
/** Whoever looks at them has the source. */
const written = { dir: dist, format: "esm", comments: false, banner, ...names } as const;

async function buildMainThread(): Promise<void> {
	let ofCommands: ReadonlySet<string> | undefined;
	let ofNode: ReadonlySet<string> | undefined;
	const nameOf = (id: string, context: ChunkingContext) => {
		// All commands need it, and those that ask a node something need no more.
		ofCommands ??= loadedWith(["server/cli.ts"], context);
		ofNode ??= loadedWith(["server/index.ts"], context);
		if (entries.includes(relative(root, id))) return null;
		if (ofCommands.has(id)) return "command";
		return ofNode.has(id) ? "node" : null;
	};
	const bundle = await rolldown({ ...options, input: inputOf(entries) });
	const zod = { name: "zod", test: /[\\/]node_modules[\\/]zod[\\/]/, priority: 1 };
	const groups = [zod, { name: nameOf, debugName: "what is loaded together" }];
	await bundle.write({ ...written, codeSplitting: { groups } });
	await bundle.close();
}

async function buildThread(source: string): Promise<void> {
	const bundle = await rolldown({ ...options, input: inputOf([source]) });
	await bundle.write({ ...written, codeSplitting: false });
	await bundle.close();
}

for (const part of ["server", "extensions", "chunks"])
	rmSync(join(dist, part), { recursive: true, force: true });
// npm reads the standard output of `npm pack --json`; what the tools say belongs elsewhere.
execFileSync("tsc", ["-p", "tsconfig.build.json", "--emitDeclarationOnly"], {
	cwd: root,
	stdio: ["ignore", 2, 2],
});
await buildMainThread();
await Promise.all(threads.map(buildThread));
