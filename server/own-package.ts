import { readFileSync } from "node:fs";
// As a whole: where there is no `registerHooks`, an import of it would fail before anybody could say why.
import module from "node:module";
import { packageFolder } from "./package-folder.ts";

interface Entry {
	readonly "indelible-source": string;
	readonly default: string;
}

let isRegistered = false;

/**
 * Has `import … from "indelible"` in a configuration file mean the package that reads it, wherever the file lies: also
 * in a checkout that was not built, and with a command line that is installed elsewhere.
 */
export function resolveOwnPackage(): void {
	if (isRegistered) return;
	isRegistered = true;
	const own = ownEntries();
	module.registerHooks({
		resolve(specifier, context, next) {
			const url = own.get(specifier);
			return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
		},
	});
}

/** What the package exports: where it is, by what one imports. */
function ownEntries(): ReadonlyMap<string, string> {
	const { exports } = JSON.parse(readFileSync(new URL("package.json", packageFolder), "utf8")) as {
		readonly exports: Readonly<Record<string, Entry | string>>;
	};
	const kind = import.meta.url.endsWith(".ts") ? "indelible-source" : "default";
	const entries = new Map<string, string>();
	for (const [name, entry] of Object.entries(exports)) {
		if (typeof entry === "string") continue;
		entries.set(`indelible${name.slice(1)}`, new URL(entry[kind], packageFolder).href);
	}
	return entries;
}
