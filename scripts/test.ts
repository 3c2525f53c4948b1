/**
 * `npm test`: format, lint and types; unit, contract, integration, fault and simulation tests; browser tests. All of
 * them run, whatever fails. The last line says how many tests passed and failed.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findChromium } from "./chromium.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const reports = mkdtempSync(join(tmpdir(), "indelible-test-"));

interface Counts {
	passed: number;
	failed: number;
}

/** @returns Whether it ended well. */
function run(
	command: string,
	args: readonly string[],
	environment: Record<string, string> = {},
): Promise<boolean> {
	console.log(`\n— ${command} ${args.join(" ")}\n`);
	return new Promise((done) => {
		const child = spawn(command, args, {
			cwd: root,
			stdio: "inherit",
			env: { ...process.env, ...environment },
		});
		child.on("error", (error) => {
			console.error(`${command} can't be started: ${error.message}`);
			done(false);
		});
		child.on("exit", (code) => done(code === 0));
	});
}

function readReport<Report>(path: string): Report | undefined {
	try {
		return JSON.parse(readFileSync(path, "utf8")) as Report;
	} catch {
		return undefined;
	}
}

async function runVitest(): Promise<Counts> {
	const file = join(reports, "vitest.json");
	const isWell = await run("vitest", [
		"run",
		"--reporter=default",
		"--reporter=json",
		`--outputFile.json=${file}`,
	]);
	const report = readReport<{ numPassedTests: number; numFailedTests: number }>(file);
	const failed = report?.numFailedTests ?? 0;
	return { passed: report?.numPassedTests ?? 0, failed: isWell ? failed : Math.max(failed, 1) };
}

async function runPlaywright(): Promise<Counts> {
	let browser: string | undefined;
	try {
		browser = await findChromium();
	} catch (error) {
		console.error((error as Error).message);
		return { passed: 0, failed: 1 };
	}
	const isBuilt = await run(process.execPath, ["scripts/build-pages.ts", "--if-stale"]);
	if (!isBuilt) return { passed: 0, failed: 1 };
	const file = join(reports, "playwright.json");
	const isWell = await run("playwright", ["test", "--reporter=list,json"], {
		PLAYWRIGHT_JSON_OUTPUT_NAME: file,
		...(browser === undefined ? {} : { INDELIBLE_CHROMIUM: browser }),
	});
	const report = readReport<{ stats: { expected: number; unexpected: number; flaky: number } }>(file);
	const failed = (report?.stats.unexpected ?? 0) + (report?.stats.flaky ?? 0);
	return { passed: report?.stats.expected ?? 0, failed: isWell ? failed : Math.max(failed, 1) };
}

const isClean = await run("npm", ["run", "--silent", "check"]);
const total: Counts = { passed: isClean ? 1 : 0, failed: isClean ? 0 : 1 };
for (const suite of [runVitest, runPlaywright]) {
	const { passed, failed } = await suite();
	total.passed += passed;
	total.failed += failed;
}
rmSync(reports, { recursive: true, force: true });
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
