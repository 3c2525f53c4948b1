import { execFile } from "node:child_process";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/temporary-folder.ts";

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

test("npm ci says nothing of packages that don't fit together: whoever tries this for the first time reads what it says", async () => {
	const folder = temporaryFolder();
	for (const name of ["package.json", "package-lock.json"])
		copyFileSync(fileURLToPath(new URL(`../../${name}`, import.meta.url)), join(folder, name));
	const { stderr } = await promisify(execFile)("npm", ["ci", "--dry-run", "--offline"], { cwd: folder });
	expect(stderr).not.toContain("ERESOLVE");
});
