import { readFileSync } from "node:fs";
// As a whole: an older Node.js, which has no `registerHooks`, is to get as far as to be told so.
import module from "node:module";

/** What Hocuspocus imports for the server that it brings: the source of a module that gets it when such a server is made. */
function whenUsed(specifier: string, importer: string): string | undefined {
	switch (specifier) {
		case "node:http":
			// As in `./node-http.ts`.
			return `export const createServer = (...given) => process.getBuiltinModule("node:http").createServer(...given);`;
		case "crossws/adapters/node":
			return `import { createRequire } from "node:module";
				const load = createRequire(${JSON.stringify(importer)});
				export default (...given) => load("crossws/adapters/node").default(...given);`;
		default:
			return undefined;
	}
}

/** Of `@hocuspocus/server`. Another one may import something else, and is left as it is. */
export const knownVersion = "4.7.0";

function isKnown(importer: string): boolean {
	const [folder = ""] = /^.*\/node_modules\/@hocuspocus\/server\//.exec(importer) ?? [];
	const text = readFileSync(new URL("package.json", folder), "utf8");
	return (JSON.parse(text) as { readonly version?: unknown }).version === knownVersion;
}

const scheme = "indelible-when-used:";

/**
 * Has what `@hocuspocus/server` imports for a server of its own be loaded when somebody makes one: 35 ms of a start, and 16 MB. A node has
 * its own, and whoever makes one of Hocuspocus' in the same process gets it all the same.
 * @returns Ends it, for what is imported from then on.
 */
export function leanHocuspocus(): () => void {
	const sources = new Map<string, string>();
	const known = new Map<string, boolean>();
	const isHocuspocus = (importer = "") => {
		if (!importer.includes("/node_modules/@hocuspocus/server/")) return false;
		const answer = known.get(importer) ?? isKnown(importer);
		known.set(importer, answer);
		return answer;
	};
	const hooks = module.registerHooks({
		resolve(specifier, context, next) {
			const { parentURL: importer = "" } = context;
			const source = isHocuspocus(importer) ? whenUsed(specifier, importer) : undefined;
			if (source === undefined) return next(specifier, context);
			const url = `${scheme}${specifier}`;
			sources.set(url, source);
			return { url, format: "module", shortCircuit: true };
		},
		load(url, context, next) {
			const source = sources.get(url);
			return source === undefined ? next(url, context) : { source, format: "module", shortCircuit: true };
		},
	});
	return () => hooks.deregister();
}
