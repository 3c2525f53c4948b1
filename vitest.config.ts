import { defineConfig } from "vitest/config";

/** Files run three at a time: they start real servers, and wait for them more than they work. The suite is meant for small machines. */
export default defineConfig({
	test: {
		include: ["test/**/*.test.ts"],
		testTimeout: 60_000,
		hookTimeout: 60_000,
		maxWorkers: 3,
		pool: "forks",
	},
});
