import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { settings } from "../../server/settings.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const page = read("docs/operations.md");

interface Rule {
	readonly alert: string;
	readonly expr: string;
	readonly labels: { readonly severity: string };
	readonly annotations: { readonly runbook: string };
}

const { groups }: { groups: { readonly rules: readonly Rule[] }[] } = parse(
	read("deploy/prometheus/alerts.yaml"),
);
const rules = groups.flatMap((group) => group.rules);

/** What GitHub makes of headings. */
function anchorsOf(text: string): Set<string> {
	const withoutCode = text.replaceAll(/^```.*?^```$/gms, "");
	const headings = [...withoutCode.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading);
	return new Set(
		headings.map((heading) =>
			heading
				.toLowerCase()
				.replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
				.replaceAll(" ", "-"),
		),
	);
}

/** With the section below it, up to the next heading. */
function sectionOf(anchor: string): string | undefined {
	return page.split(/^(?=#+ )/m).find((section) => anchorsOf(section.split("\n", 1)[0] ?? "").has(anchor));
}

test("there are alerts", () => expect(rules.length).toBeGreaterThan(10));

test.for(rules)("$alert has a section that says what it means and what to do", ({ annotations }) => {
	const [path, anchor = ""] = annotations.runbook.split("#");
	expect(path).toBe("docs/operations.md");
	expect(sectionOf(anchor), anchor).toContain("**Do:**");
});

test("each section about an alert is about one that there is", () => {
	const known = new Set(rules.map(({ annotations }) => annotations.runbook.split("#")[1]));
	for (const anchor of anchorsOf(page)) if (anchor.startsWith("alert-")) expect(known).toContain(anchor);
});

test.for(["docs/operations.md", "deploy/prometheus/alerts.yaml"])("metrics that %s names exist", (path) => {
	const known = new Set([...read("docs/metrics.md").matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name));
	const named = [...read(path).matchAll(/\bindelible_\w*[a-z]\b/g)].map(([name]) => name);
	for (const name of named) expect(known, name).toContain(name.replace(/_(bucket|sum|count)$/, ""));
});

test("where nginx lets operators through, everything that the admin page asks for gets through", () => {
	const [, passed = "nothing"] = /^location ~ (\S+) \{\n\tallow /m.exec(page) ?? [];
	const asked = [...read("admin-page/src/api.ts").matchAll(/["`]((?:admin|auth|documents)\b[\w/-]*)[?"`]/g)];
	expect(asked.length).toBeGreaterThan(5);
	for (const path of ["/admin", ...asked.map(([, path]) => `/api/${path}`)])
		expect(path).toMatch(new RegExp(passed));
});

test("settings that the page names exist", () => {
	const known = settings.map(({ name }) => name as string);
	const named = [...page.matchAll(/`([a-z]+[A-Z]\w*(?:Ms|Max|Min|Url|Prefix|S))`/g)].map(([, name]) => name);
	expect(named.length).toBeGreaterThan(10);
	for (const name of named) expect(known).toContain(name);
});

test("lines of the log that the page explains are logged", () => {
	const sources = ["server", "extensions"].flatMap((folder) =>
		readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
			.filter((path) => path.endsWith(".ts"))
			.map((path) => read(join(folder, path))),
	);
	const lines = [...(sectionOf("the-log") ?? "").matchAll(/^\| \d0 \| ([^|]+?) \|/gm)].map(
		([, line = ""]) => line,
	);
	expect(lines.length).toBeGreaterThan(10);
	for (const line of lines)
		expect(
			sources.some((source) => source.includes(line)),
			line,
		).toBe(true);
});

const folders = ["docs", ...readdirSync(join(root, "extensions")).map((name) => `extensions/${name}`)];
const pages = ["README.md", "CONTRIBUTING.md", ...folders.flatMap(pagesIn)];

function pagesIn(folder: string): string[] {
	if (!statSync(join(root, folder)).isDirectory()) return [];
	const names = readdirSync(join(root, folder)).filter((name) => name.endsWith(".md"));
	return names.map((name) => `${folder}/${name}`);
}

test.for(pages)("links to headings in %s lead somewhere", (name) => {
	const text = read(name);
	for (const [, target = "", anchor = ""] of text.matchAll(/\]\(((?!https?:)[^)#\s]*)#([^)\s]+)\)/g)) {
		const path = target === "" ? name : normalize(join(dirname(name), target));
		expect([...anchorsOf(read(path))], `${path}#${anchor}`).toContain(anchor);
	}
});
