import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const module = fileURLToPath(new URL("../../server/garbage.ts", import.meta.url));

/** What V8 says of flags that it does not know. */
function complaints(version: string): string {
	const code = `import { collectLessOften } from ${JSON.stringify(module)}; collectLessOften(${version});`;
	const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", code], {
		encoding: "utf8",
	});
	expect(status).toBe(0);
	return stderr;
}

test("this V8 knows the flag with which it collects less often, and older ones are not given it", () => {
	expect(complaints("process.versions.v8")).toBe("");
	expect(complaints('"13.6.233.17-node.40"')).toBe("");
	expect(complaints('"14.5.1"')).toBe("");
});
