import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { scenarios } from "../../bench/scenarios/index.ts";
import { authCloseEvents } from "../../extensions/auth/end-connection.ts";
import { gateCloseEvents } from "../../extensions/durability/ack-gate.ts";
import { limitCloseEvents } from "../../extensions/limits/limit-close-events.ts";
import {
	pagesWithFigures,
	pictures,
	readResults,
	resultsFolder,
	withFigures,
} from "../../scripts/benchmarks-page.ts";
import { configurationPage, configurationPagePath } from "../../scripts/configuration-page.ts";
import { settingChapters, settings } from "../../server/settings.ts";
import { closeCodes } from "../../server/transport/close-codes.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const pages = readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
	(path) => path.endsWith(".md") && !/(^|\/)(node_modules|dist|test-results)\//.test(path),
);
const read = (path: string) => readFileSync(join(root, path), "utf8");

test("docs/configuration.md says what the settings are (`npm run docs` writes it)", () => {
	expect(readFileSync(configurationPagePath, "utf8")).toBe(configurationPage());
});

test("tables and charts of benchmarks are those of what was measured (`npm run docs` writes them)", () => {
	const results = readResults();
	for (const path of pagesWithFigures) {
		const page = readFileSync(path, "utf8");
		expect(withFigures(page, results)).toBe(page);
	}
	for (const [name, picture] of pictures(results))
		expect(readFileSync(join(resultsFolder, name), "utf8"), name).toBe(picture);
});

test("every scenario has a place among the benchmarks, and says whether what makes the load was the limit", () => {
	const page = read("docs/benchmarks.md");
	for (const { name, columns, charts, explain } of scenarios) {
		expect(page, name).toContain(`<!-- bench: ${name} -->`);
		expect(charts.of.length, name).toBeGreaterThan(0);
		const isUntimed = explain({
			durationS: 1,
			trace: undefined,
			rhythm: undefined,
			part: undefined,
		}).includes("Nothing is timed");
		expect(isUntimed || columns.some(({ title }) => title === "generator"), name).toBe(true);
	}
});

test("every setting is in one chapter of the configuration", () => {
	const inChapters = settingChapters.flatMap(({ names }) => names);
	expect(inChapters.toSorted()).toEqual(settings.map(({ name }) => name).toSorted());
});

test("the operators' page lists every close code", () => {
	const page = read("docs/operations.md");
	for (const { code, reason, retry } of Object.values(closeCodes)) {
		const row = page.split("\n").find((line) => line.startsWith(`| ${code} |`));
		expect(row, `close code ${code}`).toBeDefined();
		expect(row).toContain(`\`${reason}`);
		expect(row?.endsWith(retry ? "| retry |" : "| not retry |")).toBe(true);
	}
});

test("the operators' page lists every code with which an extension closes a socket", () => {
	const page = read("docs/operations.md");
	for (const { code, reason } of Object.values({
		...authCloseEvents,
		...limitCloseEvents,
		...gateCloseEvents,
	})) {
		const row = page.split("\n").find((line) => line.startsWith(`| ${code} |`));
		expect(row, `close code ${code}`).toContain(`\`${reason}`);
	}
});

test.for(pages)("links in %s lead somewhere", (page) => {
	for (const [, target = ""] of read(page).matchAll(/\]\((?!https?:|#|mailto:)([^)\s#]+)/g)) {
		expect(existsSync(join(root, dirname(page), target)), target).toBe(true);
	}
});

test("every guarantee of this edition is proven by a test that names it", () => {
	const promised = [...read("docs/guarantees.md").matchAll(/^\| ([A-Z]{3}\d+) \|/gm)].map(
		([, id = ""]) => id,
	);
	const tests = ["test", "e2e"].flatMap((folder) =>
		readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
			.filter((path) => /\.(test|spec)\.ts$/.test(path))
			.map((path) => read(join(folder, path))),
	);
	expect(promised.length).toBeGreaterThan(5);
	for (const id of promised) {
		expect(
			tests.some((source) => source.includes(`[${id}]`)),
			id,
		).toBe(true);
	}
});
