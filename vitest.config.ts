import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/**
 * Stores start a thread each, and tests hundreds of stores and nodes: compiled once for all of them, the run takes a good deal less
 * processor time. Node.js reads it when a process or a thread starts, so that it is set here, before there are any.
 */
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL("node_modules/.cache/compiled", import.meta.url));

/** Files run four at a time: they start real servers, and wait for them more than they work. The suite is meant for small machines. */
export default defineConfig({
	test: {
		include: ["test/**/*.test.ts"],
		testTimeout: 60_000,
		hookTimeout: 60_000,
		maxWorkers: 4,
		pool: "forks",
	},
});
