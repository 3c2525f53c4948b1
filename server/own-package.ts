import { registerHooks } from "node:module";

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
const own: ReadonlyMap<string, string> = new Map(
	Object.entries({
		indelible: `./index.${extension}`,
		...Object.fromEntries(
			["auth", "durability", "limits", "metrics", "redis", "sync", "tracing"].map((name) => [
				`indelible/${name}`,
				`../extensions/${name}/index.${extension}`,
			]),
		),
	}).map(([specifier, path]) => [specifier, new URL(path, import.meta.url).href]),
);
let isRegistered = false;

/**
 * Has `import … from "indelible"` in a configuration file mean the package that reads it, wherever the file lies: also
 * in a checkout that was not built, and with a command line that is installed elsewhere.
 */
export function resolveOwnPackage(): void {
	if (isRegistered) return;
	isRegistered = true;
	registerHooks({
		resolve(specifier, context, next) {
			const url = own.get(specifier);
			return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
		},
	});
}
