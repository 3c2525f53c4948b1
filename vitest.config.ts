import { defineConfig } from "vitest/config";

/** Files run two at a time: they start real servers, and the suite is meant for small machines. */
export default defineConfig({
	test: {
		include: ["test/**/*.test.ts"],
		testTimeout: 60_000,
		hookTimeout: 60_000,
		maxWorkers: 2,
		pool: "forks",
	},
});
