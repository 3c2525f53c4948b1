import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/**
 * Finds a browser for the tests: Playwright's own, one on the path, or, as root on Debian, one that it installs.
 * @returns Its path; `undefined` for Playwright's own.
 * @throws With the command that would install one.
 */
export async function findChromium(): Promise<string | undefined> {
	const { chromium } = await import("@playwright/test");
	if (existsSync(chromium.executablePath())) return undefined;
	const installed = onPath();
	if (installed !== undefined) return installed;
	if (process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
		console.log("Installing Chromium from Debian …");
		const quietly = { stdio: ["ignore", "ignore", "inherit"] as const };
		try {
			execFileSync("apt-get", ["update", "-qq"], { ...quietly, stdio: [...quietly.stdio] });
			execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "chromium"], {
				stdio: [...quietly.stdio],
				env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
			});
		} catch {
			// The message below says what to do.
		}
	}
	const found = onPath();
	if (found !== undefined) return found;
	throw new Error(
		"the browser tests need Chromium: npx playwright install --with-deps chromium, or apt-get install chromium",
	);
}

function onPath(): string | undefined {
	for (const folder of (process.env.PATH ?? "").split(delimiter)) {
		for (const name of names) {
			const path = join(folder, name);
			if (existsSync(path)) return path;
		}
	}
	return undefined;
}
