import { existsSync } from "node:fs";
import { chromium, defineConfig } from "@playwright/test";

/** Playwright's own Chromium if it is installed, or the system's. */
function chromiumPath(): string | undefined {
	const named = process.env.INDELIBLE_CHROMIUM;
	if (named !== undefined && named !== "") return named;
	if (existsSync(chromium.executablePath())) return undefined;
	return ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) =>
		existsSync(path),
	);
}

const executablePath = chromiumPath();
/** Chromium's sandbox does not work for root. */
const isRoot = process.getuid?.() === 0;

/** Expects the pages in `dist/`: `node scripts/build-pages.ts`. */
export default defineConfig({
	testDir: "e2e",
	outputDir: "test-results",
	workers: 2,
	retries: 0,
	timeout: 60_000,
	expect: { timeout: 15_000 },
	reporter: [["list"]],
	forbidOnly: process.env.CI !== undefined,
	use: {
		browserName: "chromium",
		viewport: { width: 1280, height: 800 },
		// Without pictures, which take as much processor time as all the rest: `npx playwright test --trace on` has them.
		trace: { mode: "retain-on-failure", screenshots: false, snapshots: false },
		screenshot: "only-on-failure",
		launchOptions: {
			...(executablePath === undefined ? {} : { executablePath }),
			args: [
				"--disable-background-networking",
				// For the pages of somebody who lets their name point to this machine.
				"--host-resolver-rules=MAP evil.example 127.0.0.1",
				...(isRoot ? ["--no-sandbox"] : []),
			],
		},
	},
});
