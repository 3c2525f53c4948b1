import { AxeBuilder } from "@axe-core/playwright";
import type { Locator, Page } from "@playwright/test";
import { SignJWT } from "jose";
import { Cluster } from "./support/cluster.ts";
import { Server } from "./support/server.ts";
import { test as editorTest, expect, serverGoesAway, serverRefuses } from "./support/test.ts";
import { Typist } from "./support/typist.ts";

const token = "the admin token of the tests";
const tokenSecret = "what the tokens of the tests are signed with";
const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

interface Fixtures {
	/** Somebody who has a document of the administered node open, with a name that is known or without. */
	typist: (documentName: string, user?: string) => Promise<Typist>;
}

function tokenOf(user: string): Promise<string> {
	const claims = { sub: user, allowedDocumentNames: ["*"] };
	const token = new SignJWT(claims).setProtectedHeader({ alg: "HS256" });
	return token.setIssuedAt().setExpirationTime("1h").sign(new TextEncoder().encode(tokenSecret));
}

const test = editorTest.extend<Fixtures, { admin: Server }>({
	admin: [
		// biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of fixtures from it.
		async ({}, use) => {
			const server = await Server.start({
				INDELIBLE_ADMIN_TOKEN: token,
				INDELIBLE_AUTH_JWT_SECRET: tokenSecret,
				INDELIBLE_AUTH_ANONYMOUS_WRITE: "*",
			});
			await use(server);
			await server.dispose();
		},
		{ scope: "worker" },
	],
	typist: async ({ admin }, use) => {
		const typists: Typist[] = [];
		await use(async (documentName, user) => {
			const typist = new Typist(admin.url, documentName, user && (await tokenOf(user)));
			typists.push(typist);
			return typist;
		});
		for (const typist of typists) typist.leave();
	},
});

async function signIn(page: Page, address = "/admin"): Promise<void> {
	await page.goto(address);
	await page.getByLabel("Admin token").fill(token);
	await page.getByRole("button", { name: "Open" }).click();
	await expect(badge(page)).toHaveText("Ready");
}

const badge = (page: Page) => page.getByRole("banner").getByRole("status");
const row = (page: Page, name: string) =>
	page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
const panel = (page: Page, name: string) => page.getByRole("dialog", { name, exact: true });
const plot = (page: Page, title: string): Locator => page.getByRole("img", { name: title });
const notice = (page: Page) => page.locator(".notice").last();

async function expectAccessible(page: Page): Promise<void> {
	const { violations } = await new AxeBuilder({ page })
		.withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"])
		.analyze();
	const found = violations.map(
		({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`,
	);
	expect(found).toEqual([]);
}

async function expectNoSidewaysScroll(page: Page): Promise<void> {
	const overflow = () =>
		page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
	await expect.poll(overflow).toBeLessThanOrEqual(0);
}

test(
	"a wrong token is told, the right one opens, and only this tab keeps it",
	serverRefuses,
	async ({ person, admin }) => {
		const page = await person({ baseURL: admin.url });
		await page.goto("/admin");
		await expect(page.getByLabel("Admin token")).toBeFocused();
		await page.keyboard.type("a wrong one");
		await page.keyboard.press("Enter");
		await expect(page.getByRole("alert")).toHaveText("This is not the admin token of this node.");
		// No header can carry it: the node is not even asked.
		await page.getByLabel("Admin token").fill("“the admin token of the tests”");
		await page.getByRole("alert").evaluate((alert) => alert.replaceChildren());
		await page.keyboard.press("Enter");
		await expect(page.getByRole("alert")).toHaveText("This is not the admin token of this node.");
		await page.getByLabel("Admin token").fill(token);
		await page.keyboard.press("Enter");
		await expect(badge(page)).toHaveText("Ready");
		await page.reload();
		await expect(badge(page)).toHaveText("Ready");
		expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain(token);
		expect(page.url()).not.toContain("token");
		await page.getByRole("button", { name: "Sign out" }).click();
		await expect(page.getByLabel("Admin token")).toBeVisible();
		await page.reload();
		await expect(page.getByLabel("Admin token")).toBeVisible();
	},
);

test(
	"who has to wait for the wrong tokens of others is told so, and not signed out",
	serverRefuses,
	async ({ person, admin }) => {
		const page = await person({ baseURL: admin.url });
		const wait = { error: "wait a minute" };
		const letWait = () =>
			page.route("**/api/admin/**", (route) => route.fulfill({ status: 429, json: wait }));
		await letWait();
		await page.goto("/admin");
		await page.getByLabel("Admin token").fill(token);
		await page.keyboard.press("Enter");
		await expect(page.getByRole("alert")).toHaveText("The node answers: wait a minute.");
		await page.unroute("**/api/admin/**");
		await page.keyboard.press("Enter");
		await expect(badge(page)).toHaveText("Ready");
		await letWait();
		await page.waitForResponse((response) => response.status() === 429);
		await page.reload();
		await expect(page.getByRole("list", { name: "Problems" })).toContainText(
			"The node answers: wait a minute.",
		);
		await page.unroute("**/api/admin/**");
		await expect(badge(page)).toHaveText("Ready");
	},
);

test("without a token the page is off, and says how to have it", serverRefuses, async ({ person }) => {
	const page = await person();
	const response = await page.goto("/admin");
	expect(response?.status()).toBe(404);
	await expect(page.getByRole("main")).toContainText("--admin-token");
});

test("figures and plots move while people type", async ({ person, admin, typist }) => {
	const [writer, reader] = [await typist("moving"), await typist("moving")];
	const page = await person({ baseURL: admin.url });
	await signIn(page);
	await expect(page.locator(".figure").filter({ hasText: "People" })).toContainText("2");
	await expect.poll(() => writer.isSaved).toBe(true);
	writer.keepTyping(40);
	await expect(plot(page, "Edits in the last")).toHaveAttribute("aria-label", /received [1-9][\d.]*\/s now/);
	await expect(plot(page, "Deliveries")).toHaveAttribute("aria-label", /sent on [1-9][\d.]*\/s now/);
	await expect(plot(page, "From an edit to saved")).toHaveAttribute("aria-label", /99 % [\d.]+ m?s now/);
	const drawn = () =>
		plot(page, "Edits in the last").evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
	const before = await drawn();
	await expect.poll(drawn).not.toBe(before);
	await expect.poll(() => reader.text.length).toBeGreaterThan(0);
	// Pointing at one plot tells the time in all of them.
	const whole = page.locator(".plot").first();
	await whole.locator("canvas").hover({ position: { x: 4, y: 40 } });
	await expect(whole.locator(".value")).not.toContainText("NaN");
});

test("documents are found, sorted, opened and shared", async ({ person, admin, typist }) => {
	const [one, two] = [await typist("plan/roadmap"), await typist("plan/budget")];
	await typist("plan/budget");
	for (const each of [one, two]) each.type("some words");
	const page = await person({ baseURL: admin.url });
	await signIn(page);
	await page.getByRole("searchbox", { name: "Search documents" }).fill("plan/");
	await expect(page.getByRole("row").nth(1)).toContainText("plan/budget");
	await page.getByRole("button", { name: "Document" }).click();
	await expect(page.getByRole("columnheader", { name: "Document" })).toHaveAttribute(
		"aria-sort",
		"ascending",
	);
	await page.getByRole("searchbox").fill("no such name");
	await expect(page.getByText("No open document has this in its name.")).toBeVisible();
	await page.getByRole("searchbox").fill("ROAD");
	await row(page, "plan/roadmap").getByRole("link").click();
	await expect(panel(page, "plan/roadmap")).toContainText("1 update");
	await expect(panel(page, "plan/roadmap")).toContainText("everything is saved");
	await panel(page, "plan/roadmap").getByRole("button", { name: "Measure exactly" }).click();
	await expect(panel(page, "plan/roadmap")).toContainText("sizes measured now");
	await page.route(/measure=1/, (route) => route.fulfill({ json: { nodes: [] } }));
	await panel(page, "plan/roadmap").getByRole("button", { name: "Measure exactly" }).click();
	await expect(notice(page)).toContainText("It was not measured");
	const other = await person({ baseURL: admin.url });
	await signIn(other, page.url());
	await expect(panel(other, "plan/roadmap")).toContainText("everything is saved");
	await page.keyboard.press("Escape");
	await expect(panel(page, "plan/roadmap")).toBeHidden();
	await expect(page).toHaveURL(/\/admin$/);
	await page.goto("/admin#/document/nobody%20has%20it");
	await expect(panel(page, "nobody has it")).toContainText("No node has this document in memory now.");
});

test("a connection that is closed comes back by itself", async ({ person, admin, typist }) => {
	const guest = await typist("closing");
	await expect.poll(() => guest.isSaved).toBe(true);
	const page = await person({ baseURL: admin.url });
	await signIn(page, "/admin#/document/closing");
	await panel(page, "closing")
		.getByRole("button", { name: /^Close the connection of/ })
		.click();
	const question = page.getByRole("dialog", { name: "Close this connection?" });
	await question.getByRole("button", { name: "Cancel" }).click();
	expect(guest.closes).toEqual([]);
	await panel(page, "closing")
		.getByRole("button", { name: /^Close the connection of/ })
		.click();
	await question.getByRole("button", { name: "Close it" }).click();
	await expect(notice(page)).toHaveText("The connection was closed.");
	await expect.poll(() => guest.closes).toEqual([4410]);
	guest.type("back again");
	await expect.poll(() => guest.isSaved).toBe(true);
});

test("whose access is ended can't write there, or can't come back at all, and who has no name can't be named", async ({
	person,
	admin,
	typist,
}) => {
	const [ada, grace, nobody] = [
		await typist("ending", "ada"),
		await typist("ending", "grace"),
		await typist("ending"),
	];
	for (const each of [ada, grace, nobody]) await expect.poll(() => each.isSaved).toBe(true);
	const page = await person({ baseURL: admin.url });
	await signIn(page, "/admin#/document/ending");
	const open = panel(page, "ending");
	await expect(open.getByRole("listitem")).toHaveCount(3);
	await expect(open.getByRole("button", { name: /^End the access of/ })).toHaveCount(2);
	const question = (user: string) =>
		page.getByRole("dialog", { name: new RegExp(`^End the access of .${user}.\\?$`) });
	// By keyboard: nothing happens before it is confirmed, and the focus comes back.
	await open.getByRole("button", { name: "End the access of ada" }).focus();
	await page.keyboard.press("Enter");
	await expect(question("ada").getByRole("radio", { name: "In all documents" })).toBeFocused();
	await page.keyboard.press("Escape");
	await expect(open.getByRole("button", { name: "End the access of ada" })).toBeFocused();
	await page.keyboard.press("Enter");
	await page.keyboard.press("ArrowDown");
	await expect(question("ada").getByRole("radio", { name: /^In .*ending.* alone$/ })).toBeChecked();
	await page.keyboard.press("Tab");
	await page.keyboard.press("ArrowDown");
	for (let step = 0; step < 2; step += 1) await page.keyboard.press("Tab");
	await expect(question("ada").getByRole("button", { name: "End it" })).toBeFocused();
	await page.keyboard.press("Enter");
	await expect(notice(page)).toHaveText(/The access of .ada. has ended: 1 connection of this node may only/);
	await expect(open.getByRole("listitem").filter({ hasText: "ada" })).toContainText("may only read");
	expect(ada.closes).toEqual([]);
	const elsewhere = await typist("elsewhere", "ada");
	await expect.poll(() => elsewhere.isSaved).toBe(true);
	await open.getByRole("button", { name: "End the access of grace" }).click();
	await question("grace").getByRole("button", { name: "End it" }).click();
	await expect.poll(() => grace.closes).toEqual([4403]);
	await expect(open.getByRole("listitem")).toHaveCount(2);
	expect(nobody.closes).toEqual([]);
});

test("a document that is unloaded is saved first, and opened again", async ({ person, admin, typist }) => {
	const guest = await typist("unloading");
	guest.type("kept");
	await expect.poll(() => guest.isSaved).toBe(true);
	const page = await person({ baseURL: admin.url });
	await signIn(page, "/admin#/document/unloading");
	await panel(page, "unloading").getByRole("button", { name: "Unload" }).click();
	await page
		.getByRole("dialog", { name: "Unload this document?" })
		.getByRole("button", { name: "Unload it" })
		.click();
	await expect(notice(page)).toContainText("the document left memory");
	await expect.poll(() => guest.isSaved).toBe(true);
	const other = await typist("unloading");
	await expect.poll(() => other.text).toBe("kept");
});

test(
	"[DUR7] a document is deleted only after a question that names it, and whoever has it open is told",
	serverRefuses,
	async ({ person, admin, typist }) => {
		const guest = await typist("old minutes");
		guest.type("to be forgotten");
		await expect.poll(() => guest.isSaved).toBe(true);
		const page = await person({ baseURL: admin.url });
		await signIn(page, "/admin#/document/old%20minutes");
		const ask = () => panel(page, "old minutes").getByRole("button", { name: "Delete" }).click();
		const question = page.getByRole("dialog", { name: /^Delete .+old minutes.+ for good\?$/ });
		await ask();
		await expect(question).toContainText("what they type from then on is not saved");
		await expect(question).toContainText("Whoever has it open (1 connection now) is told so");
		await expect(question.getByRole("button", { name: "Cancel" })).toBeFocused();
		await page.keyboard.press("Enter");
		await expect(question).toBeHidden();
		guest.type(", not yet");
		await expect.poll(() => guest.isSaved).toBe(true);
		await ask();
		await question.getByRole("button", { name: "Delete it" }).click();
		await expect(notice(page)).toContainText(/old minutes.* is deleted/);
		await expect(panel(page, "old minutes")).toBeHidden();
		await expect.poll(() => guest.refusals).toEqual(["document-deleted"]);
		await page.goto("/admin#/document/old%20minutes");
		await ask();
		await question.getByRole("button", { name: "Delete it" }).click();
		await expect(notice(page)).toContainText("is deleted");
		await page.goto("/admin#/document/never%20there");
		await panel(page, "never there").getByRole("button", { name: "Delete" }).click();
		await page.getByRole("button", { name: "Delete it" }).click();
		await expect(notice(page)).toHaveText("there is no document of this name");
	},
);

test("stored documents are found by how their names begin, whoever has them open, and deleted from the list", async ({
	person,
	admin,
	typist,
}) => {
	for (const name of ["shelf/a", "shelf/b", "shelf/c"]) {
		const guest = await typist(name);
		guest.type("kept");
		await expect.poll(() => guest.isSaved).toBe(true);
		guest.leave();
	}
	const page = await person({ baseURL: admin.url });
	await page.route(/api\/documents\?.*prefix=/, (route, request) =>
		route.continue({ url: request.url().replace("limit=50", "limit=2") }),
	);
	await signIn(page);
	const documents = page.getByRole("region", { name: "Documents" });
	await documents.getByRole("button", { name: "In the store" }).click();
	const found = page.waitForResponse(/prefix=shelf/);
	await documents.getByRole("searchbox").fill("shelf/");
	await found;
	await expect(documents).toContainText("2 and more");
	await expect(row(page, "shelf/b")).toBeVisible();
	await expect(row(page, "shelf/c")).toBeHidden();
	await documents.getByRole("button", { name: "Show more" }).click();
	await expect(row(page, "shelf/c")).toBeVisible();
	await expect(documents.getByRole("button", { name: "Show more" })).toBeHidden();
	await row(page, "shelf/b").getByRole("button", { name: "Delete shelf/b" }).focus();
	await page.keyboard.press("Enter");
	await expect(page.getByRole("dialog").getByRole("button", { name: "Cancel" })).toBeFocused();
	await page.keyboard.press("Tab");
	await page.keyboard.press("Enter");
	await expect(notice(page)).toContainText(/shelf\/b.* is deleted/);
	await expect(row(page, "shelf/b")).toBeHidden();
	await expect(row(page, "shelf/c").getByRole("button", { name: "Delete shelf/c" })).toBeFocused();
	await expect(row(page, "shelf/a")).toBeVisible();
	await documents.getByRole("searchbox").fill("shelf/b");
	await expect(documents).toContainText("No stored document's name begins so.");
	await documents.getByRole("button", { name: "In memory" }).click();
	await expect(documents).toContainText("No open document has this in its name.");
});

test(
	"[DUR7] with a token that is not good any more nothing is listed or deleted, and the page asks for another",
	serverRefuses,
	async ({ person, admin, typist }) => {
		const guest = await typist("untouched");
		guest.type("kept");
		await expect.poll(() => guest.isSaved).toBe(true);
		const asWithAnother = async (page: Page) =>
			page.route("**/api/documents?**", (route, request) =>
				route.continue({
					headers: { ...request.headers(), authorization: "Bearer not the one of this node" },
				}),
			);
		for (const act of [
			(page: Page) => page.getByRole("button", { name: "In the store" }).click(),
			async (page: Page) => {
				await row(page, "untouched").getByRole("link").click();
				await panel(page, "untouched").getByRole("button", { name: "Delete" }).click();
				await page.getByRole("button", { name: "Delete it" }).click();
			},
		]) {
			const page = await person({ baseURL: admin.url });
			await signIn(page);
			await asWithAnother(page);
			await act(page);
			await expect(page.getByRole("alert")).toHaveText("This is not the admin token of this node.");
			await expect(page.getByRole("dialog")).toHaveCount(0);
		}
		guest.type(" and edited");
		await expect.poll(() => guest.isSaved).toBe(true);
		expect(guest.refusals).toEqual([]);
	},
);

for (const colorScheme of ["light", "dark"] as const) {
	test(`${colorScheme}: every view passes axe's rules for WCAG 2.1 AA`, async ({ person, admin, typist }) => {
		(await typist("seen")).type("by axe");
		const page = await person({ baseURL: admin.url, colorScheme, reducedMotion: "reduce" });
		await page.goto("/admin");
		await expectAccessible(page);
		await signIn(page);
		await expect(row(page, "seen")).toBeVisible();
		await expectAccessible(page);
		await row(page, "seen").getByRole("link").click();
		await expect(panel(page, "seen")).toContainText("connection");
		await expectAccessible(page);
		await panel(page, "seen").getByRole("button", { name: "Unload" }).click();
		await expectAccessible(page);
		await page.keyboard.press("Escape");
		await panel(page, "seen").getByRole("button", { name: "Delete" }).click();
		await expect(page.getByRole("button", { name: "Delete it" })).toBeVisible();
		await expectAccessible(page);
		await page.keyboard.press("Escape");
		await page.keyboard.press("Escape");
		await page.getByRole("button", { name: "In the store" }).click();
		await expect(page.getByRole("button", { name: "Delete seen" })).toBeVisible();
		await expectAccessible(page);
	});
}

test("on a phone everything is within the screen", async ({ person, admin, typist }) => {
	const name =
		"a name that is far too long for the narrow screen of a phone/and-has-words-that-can-not-be-broken";
	(await typist(name)).type("x");
	const page = await person({ ...phone, baseURL: admin.url });
	await page.goto("/admin");
	await expectNoSidewaysScroll(page);
	await signIn(page);
	await expectNoSidewaysScroll(page);
	await row(page, name).getByRole("link").tap();
	await expect(panel(page, name)).toContainText("everything is saved");
	await expectNoSidewaysScroll(page);
	await panel(page, name)
		.getByRole("button", { name: /^Close the connection of/ })
		.tap();
	await expect(page.getByRole("dialog", { name: "Close this connection?" })).toBeInViewport({ ratio: 1 });
	await page.getByRole("button", { name: "Cancel" }).tap();
	await panel(page, name).getByRole("button", { name: "Close", exact: true }).tap();
	await page.getByRole("button", { name: "In the store" }).tap();
	await page.getByRole("button", { name: `Delete ${name}` }).tap();
	await expectNoSidewaysScroll(page);
	await expect(page.getByRole("dialog", { name: /for good\?$/ })).toBeInViewport({ ratio: 1 });
});

test("everything can be done by keyboard", async ({ person, admin, typist }) => {
	await typist("by hand");
	const page = await person({ baseURL: admin.url });
	await signIn(page);
	await expect(row(page, "by hand")).toBeVisible();
	await page.reload();
	await expect(badge(page)).toHaveText("Ready");
	await page.keyboard.press("Tab");
	await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
	await page.keyboard.press("Enter");
	await page.keyboard.press("Tab");
	await expect(plot(page, "Edits in the last")).toBeFocused();
	await page.keyboard.press("ArrowLeft");
	await page.getByRole("searchbox").focus();
	await page.keyboard.type("by hand");
	await expect(page.getByRole("row")).toHaveCount(2);
	await row(page, "by hand").getByRole("link").focus();
	await page.keyboard.press("Enter");
	await expect(panel(page, "by hand")).toBeVisible();
	await page.keyboard.press("Tab");
	await expect(panel(page, "by hand").getByRole("button", { name: "Close", exact: true })).toBeFocused();
	await page.keyboard.press("Escape");
	await expect(panel(page, "by hand")).toBeHidden();
	await expect(row(page, "by hand").getByRole("link")).toBeFocused();
});

test("a node that goes away is missed, and met again", serverGoesAway, async ({ person, admin }) => {
	const page = await person({ baseURL: admin.url });
	await signIn(page);
	await admin.kill();
	await expect(badge(page)).toHaveText("Disconnected");
	await expect(page.getByRole("list", { name: "Problems" })).toContainText("trying again");
	await expectAccessible(page);
	await admin.start();
	await expect(badge(page)).toHaveText("Ready");
	await expect(page.getByRole("list", { name: "Problems" })).toBeHidden();
});

test(
	"while the node is away nobody is shown the editors in place of this page",
	serverGoesAway,
	async ({ person, admin }) => {
		const page = await person({ baseURL: admin.url });
		await page.goto("/");
		await page.evaluate(async () => {
			const { serviceWorker } = navigator;
			await serviceWorker.ready;
			if (serviceWorker.controller === null)
				await new Promise((resolve) => serviceWorker.addEventListener("controllerchange", resolve));
		});
		await admin.kill();
		await page.reload();
		await expect(page.getByRole("main")).toBeVisible();
		await expect(page.goto("/admin")).rejects.toThrow("ERR_CONNECTION_REFUSED");
		await admin.start();
		// Another tab: in this one Chromium tries again by itself.
		await signIn(await page.context().newPage());
	},
);

test("a node is drained only after a question, and says how that goes", async ({ person, admin, typist }) => {
	const guest = await typist("last");
	await expect.poll(() => guest.isSaved).toBe(true);
	const page = await person({ baseURL: admin.url });
	await signIn(page);
	await page.getByRole("button", { name: /^Drain/ }).click();
	const question = page.getByRole("dialog", { name: /^Drain .*\?$/ });
	await expect(question).toContainText("No other node is ready");
	await question.getByRole("button", { name: "Drain it" }).click();
	await expect(badge(page)).toHaveText(/^(Draining|Drained)$/);
	await expect.poll(() => guest.closes).toContain(1012);
	await expect(badge(page)).toHaveText("Drained");
	await expect(page.getByRole("list", { name: "Problems" })).toContainText("everything is saved");
	await expect(page.getByRole("button", { name: /^Drain/ })).toBeDisabled();
	guest.leave();
	await page.close();
	// The next test finds one that serves.
	await admin.kill();
	await admin.start();
});

test("one node's page shows all nodes, acts on them, and misses the one that dies", async ({ person }) => {
	test.setTimeout(180_000);
	const cluster = await Cluster.start(2, { INDELIBLE_ADMIN_TOKEN: token });
	const [here = "", there = ""] = cluster.nodeUrls;
	const guests = [new Typist(here, "shared"), new Typist(there, "shared"), new Typist(there, "elsewhere")];
	try {
		for (const guest of guests) await expect.poll(() => guest.isSaved).toBe(true);
		const page = await person({ baseURL: here });
		await signIn(page);
		const people = page.locator(".figure").filter({ hasText: "People" });
		await expect(people).toContainText("3");
		await expect(row(page, "shared")).toContainText("2 nodes");
		await page.getByLabel("Nodes shown").selectOption({ index: 1 });
		await expect(people).toContainText("1");
		await page.getByLabel("Nodes shown").selectOption({ label: "All 2 nodes" });
		await expect(people).toContainText("3");
		await row(page, "elsewhere").getByRole("link").click();
		await panel(page, "elsewhere")
			.getByRole("button", { name: /^Close the connection of/ })
			.click();
		await page.getByRole("button", { name: "Close it" }).click();
		await expect(notice(page)).toHaveText("The connection was closed.");
		await expect.poll(() => guests[2]?.closes).toEqual([4410]);
		await page.keyboard.press("Escape");
		await cluster.kill(2);
		// Nodes are missed when they have been silent for some seconds.
		await expect(page.getByLabel("Nodes shown")).toBeHidden({ timeout: 30_000 });
		await expect(people).toContainText("1");
		await expect(page.getByRole("listitem").filter({ hasText: "Not heard for" })).toContainText("Gone");
		await expect(row(page, "elsewhere")).toBeHidden();
		await page.close();
	} finally {
		for (const guest of guests) guest.leave();
		await cluster.dispose();
	}
});
