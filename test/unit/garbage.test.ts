import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

test("next to nothing of an edit stays for longer than until the next one of its document", () => {
	const target = join(import.meta.dirname, "../support/garbage-target.ts");
	// As `indelible start` has it: V8 need not look through all of it meanwhile.
	const said = execFileSync(process.execPath, ["--initial-heap-size=256", target], { encoding: "utf8" });
	expect(Number.parseInt(said, 10)).toBeLessThan(500);
});
