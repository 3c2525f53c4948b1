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
 * For configuration files and what they import.
 *
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
		load(url, context, next) {
			return next(
				url,
				isModuleAllTheSame(url, context.format) ? { ...context, format: moduleFormat(url) } : context,
			);
		},
	});
}

/**
 * Whether a file of the user's is a module by its text, though the nearest package.json says `commonjs`: `npm init` writes that without
 * being asked, and Node.js then refuses to look.
 */
function isModuleAllTheSame(url: string, format: string | null | undefined): boolean {
	if (!format?.startsWith("commonjs") || !/^file:.*\.[jt]s$/.test(url) || url.includes("/node_modules/"))
		return false;
	return /^(import\b\s*[\w{*"']|export\b\s*[\w{*])/m.test(readFileSync(new URL(url), "utf8"));
}

function moduleFormat(url: string): string {
	return url.endsWith(".ts") ? "module-typescript" : "module";
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
