import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { knownVersion } from "../../server/lean-hocuspocus.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const source = pathToFileURL(join(import.meta.dirname, "../../server/lean-hocuspocus.ts")).href;

/** What a version of Hocuspocus that imports so gets, in a process of its own. */
function importedBy(version: string, imports: string): string {
	const folder = join(temporaryFolder(), "node_modules/@hocuspocus/server");
	mkdirSync(folder, { recursive: true });
	writeFileSync(join(folder, "package.json"), JSON.stringify({ version, type: "module", main: "index.js" }));
	writeFileSync(join(folder, "index.js"), imports);
	const script = `
		import { leanHocuspocus } from ${JSON.stringify(source)};
		leanHocuspocus();
		const { found } = await import(${JSON.stringify(pathToFileURL(join(folder, "index.js")).href)});
		process.stdout.write(String(found()));
	`;
	return execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
}

test("what the known version imports for a server of its own works when there is one", () => {
	const imports = `import { createServer } from "node:http"; export const found = () => typeof createServer().listen;`;
	expect(importedBy(knownVersion, imports)).toBe("function");
});

test("another version, which may import something else, is left as it is", () => {
	const imports = `import { STATUS_CODES } from "node:http"; export const found = () => STATUS_CODES[404];`;
	expect(importedBy("4.8.0", imports)).toBe("Not Found");
});
