import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { badge, canvas, create, open, textbox, title, typeAtEnd } from "./support/editors.ts";
import { expect, test } from "./support/test.ts";

const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

async function expectAccessible(page: Page, ...excluded: string[]): Promise<void> {
	const builder = excluded.reduce((axe, selector) => axe.exclude(selector), new AxeBuilder({ page }));
	const { violations } = await builder
		.withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"])
		// Whether a table's head is filled in is up to whoever writes it.
		.disableRules("empty-table-header")
		.analyze();
	const found = violations.map(
		({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`,
	);
	expect(found).toEqual([]);
}

for (const colorScheme of ["light", "dark"] as const) {
	test(`${colorScheme}: every page passes axe's rules for WCAG 2.1 AA`, async ({ person }) => {
		const ada = await person({ name: "Ada Lovelace", colorScheme, reducedMotion: "reduce" });
		const grace = await person({ name: "Grace Hopper", colorScheme, reducedMotion: "reduce" });
		await ada.goto("/");
		await expectAccessible(ada);
		const link = await create(ada, "Text");
		await open(grace, link, "Text");
		await typeAtEnd(
			grace,
			"# Title\nSome **words** and `code`.\n- a list\n\n[ ] a task\n\n```js\nconst x = 1; // why\n",
		);
		await grace.keyboard.press("ControlOrMeta+Enter");
		await grace.keyboard.type("/table\n");
		await expect(textbox(ada).getByRole("table")).toBeVisible();
		await expect(ada.locator(".caret-name")).toBeVisible();
		await expectAccessible(ada);
		await typeAtEnd(ada, "\n/");
		await expect(ada.getByRole("listbox", { name: "Insert" })).toBeVisible();
		await expectAccessible(ada);
		await ada.keyboard.press("Escape");
		await ada.getByRole("button", { name: "2 people are here" }).click();
		await expectAccessible(ada);
		await create(ada, "Code pad");
		await typeAtEnd(ada, "const ink = 'dry'; // at last\n");
		await expectAccessible(ada);
		await create(ada, "Whiteboard");
		// What is inside it is Excalidraw's.
		await expectAccessible(ada, ".excalidraw");
	});
}

test("the theme follows the system until one chooses, and the choice stays", async ({ person }) => {
	const page = await person({ colorScheme: "dark" });
	const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
	await page.goto("/");
	expect(await theme()).toBe("dark");
	await page.emulateMedia({ colorScheme: "light" });
	await expect.poll(theme).toBe("light");
	await page.getByRole("button", { name: "Use the dark theme" }).click();
	expect(await theme()).toBe("dark");
	await page.reload();
	expect(await theme()).toBe("dark");
	await page.getByRole("button", { name: "Use the light theme" }).click();
	// That is what the system has: it is followed again.
	await page.emulateMedia({ colorScheme: "dark" });
	await expect.poll(theme).toBe("dark");
});

test("everything can be done by keyboard", async ({ person }) => {
	const page = await person();
	await page.goto("/");
	await expect(page.getByRole("main").getByRole("button", { name: "Text" })).toBeVisible();
	await page.keyboard.press("Tab");
	await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
	await page.keyboard.press("Enter");
	await page.keyboard.press("Tab");
	await expect(page.getByRole("main").getByRole("button", { name: "Text" })).toBeFocused();
	await page.keyboard.press("Enter");
	await expect(textbox(page)).toBeFocused();
	await page.keyboard.type("## By hand\nplain");
	await expect(page.getByRole("heading", { name: "By hand" })).toBeVisible();
	// Out of the text, backwards, into the toolbar, along it, and back.
	await page.keyboard.press("Shift+Tab");
	await expect(page.getByRole("button", { name: "Image" })).toBeFocused();
	await page.keyboard.press("ArrowLeft");
	await expect(page.getByRole("button", { name: "Insert a table" })).toBeFocused();
	await page.keyboard.press("Enter");
	await expect(textbox(page).getByRole("table")).toBeVisible();
	await expect(textbox(page)).toBeFocused();
	await page.keyboard.type("/quote");
	await expect(page.getByRole("option", { name: "Quote" })).toBeVisible();
	await page.keyboard.press("Escape");
	await expect(page.getByRole("option", { name: "Quote" })).toBeHidden();
	await expect(textbox(page)).toContainText("/quote");
	await page.getByRole("button", { name: "Only you are here" }).focus();
	await page.keyboard.press("Enter");
	await expect(page.getByRole("textbox", { name: "Your name" })).toBeFocused();
	await page.keyboard.press("Escape");
	await expect(page.getByRole("button", { name: "Only you are here" })).toBeFocused();
});

test("on a phone everything is within the screen, and within reach", async ({ person }) => {
	const page = await person(phone);
	await page.goto("/");
	await expectNoSidewaysScroll(page);
	await page.getByRole("button", { name: "Documents" }).tap();
	await page.getByRole("button", { name: "New code pad" }).tap();
	await expect(textbox(page)).toBeVisible();
	await expectNoSidewaysScroll(page);
	await page.getByRole("button", { name: "Documents" }).tap();
	await page.getByRole("button", { name: "New text" }).tap();
	await title(page).fill("A title that is far too long for the narrow screen of a phone");
	await typeAtEnd(page, "# Heading\nA paragraph that has to be wrapped somewhere.");
	await expect(badge(page)).toHaveText("Saved");
	await expect(badge(page)).toBeInViewport({ ratio: 1 });
	await expectNoSidewaysScroll(page);
	await page.getByRole("button", { name: "Only you are here" }).tap();
	await expect(page.getByRole("dialog", { name: "Who is here" })).toBeInViewport({ ratio: 1 });
	await page.getByRole("button", { name: "Documents" }).tap();
	await page.getByRole("button", { name: "New whiteboard" }).tap();
	await expect(canvas(page)).toBeInViewport();
	await expectNoSidewaysScroll(page);
});

async function expectNoSidewaysScroll(page: Page): Promise<void> {
	const overflow = () =>
		page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
	await expect.poll(overflow).toBe(0);
}
