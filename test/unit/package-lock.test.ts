import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface LockedPackage {
	readonly optionalDependencies?: Readonly<Record<string, string>>;
	readonly resolved?: string;
}

const { packages } = JSON.parse(
	readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8"),
) as { packages: Readonly<Record<string, LockedPackage>> };

test("the lock file names the packages of every platform, so that npm ci works on all of them", () => {
	// npm leaves out those of other platforms when it writes a lock file beside an installed node_modules.
	const locked = new Set(Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, "")));
	for (const [path, { optionalDependencies = {} }] of Object.entries(packages)) {
		for (const name of Object.keys(optionalDependencies)) {
			expect(locked.has(name), `${name}, for ${path}`).toBe(true);
		}
	}
});

test("the lock file names no registry", () => {
	for (const [path, { resolved }] of Object.entries(packages)) expect(resolved, path).toBeUndefined();
});
