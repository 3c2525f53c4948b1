import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

const root = import.meta.dirname;

/**
 * Stores start a thread each, and tests hundreds of stores and nodes: compiled once for all of them, the run takes a good deal less
 * processor time. Node.js reads it when a process or a thread starts, so that it is set here, before there are any.
 */
process.env.NODE_COMPILE_CACHE ??= join(root, "node_modules/.cache/compiled");

const all = ["test/**/*.test.ts"];

/**
 * Unit tests share nothing but modules, and loading these again for each file would take longer than the tests: they share their
 * processes. Not those that put other modules in place of ours.
 */
const together = globSync("test/unit/**/*.test.ts", { cwd: root }).filter(
	(path) => !readFileSync(join(root, path), "utf8").includes("vi.mock("),
);

/** Files run four at a time: they start real servers, and wait for them more than they work. The suite is meant for small machines. */
export default defineConfig({
	test: {
		projects: [
			{ extends: true, test: { name: "alone", include: all, exclude: together } },
			{ extends: true, test: { name: "together", include: together, isolate: false } },
		],
		testTimeout: 60_000,
		hookTimeout: 60_000,
		maxWorkers: 4,
		pool: "forks",
	},
});
