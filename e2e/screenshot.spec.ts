import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { create, open, textbox, title, typeAtEnd } from "./support/editors.ts";
import { expect, test } from "./support/test.ts";

const file = fileURLToPath(new URL("../docs/images/demo.png", import.meta.url));

test("the README's picture of the demo: one document, three people", async ({ person }) => {
	test.skip(process.env.INDELIBLE_SCREENSHOT !== "1", "only when INDELIBLE_SCREENSHOT=1");
	const ada = await person({
		name: "Ada Lovelace",
		viewport: { width: 1280, height: 760 },
		deviceScaleFactor: 2,
		colorScheme: "light",
	});
	const grace = await person({ name: "Grace Hopper" });
	const alan = await person({ name: "Alan Turing" });
	await makeRecent(ada);
	const link = await create(ada, "Text");
	await title(ada).fill("Lighthouse launch");
	await open(grace, link, "Text");
	await open(alan, link, "Text");
	await typeAtEnd(
		ada,
		"# Launching the lighthouse\nWe go live on **Thursday**. What is written here is written by all of us, and once it says _Saved_, it is on disk.\n## Before Thursday\n[ ] Move the staging data\nTell the harbour office\nTurn the lamp on, `lamp --steady`\n\n",
	);
	await textbox(ada).getByRole("checkbox").first().check();
	await textbox(ada).getByRole("checkbox").nth(1).check();
	await typeAtEnd(ada, "## Who does what\n/table\n");
	for (const cell of ["Watch", "Who", "Until", "Lamp", "Grace", "02:00", "Log", "Alan", "dawn"]) {
		await ada.keyboard.type(cell);
		if (cell !== "dawn") await ada.keyboard.press("Tab");
	}
	await expect(textbox(alan).getByRole("cell", { name: "dawn" })).toBeVisible();
	await ada.getByText("We go live on").click();
	await placeCaret(grace, "Tell the harbour office");
	await grace.keyboard.type(" and the ferry", { delay: 5 });
	await select(alan, "Thursday");
	await expect(ada.locator(".caret")).toHaveCount(2);
	await expect(ada.getByRole("status")).toHaveText("Saved");
	await ada.mouse.move(900, 700);
	await ada.screenshot({ path: file, animations: "allow" });
});

async function makeRecent(page: Page): Promise<void> {
	await create(page, "Code pad");
	await title(page).fill("Lamp controller");
	await create(page, "Whiteboard");
	await title(page).fill("Bay, from above");
}

async function placeCaret(page: Page, text: string): Promise<void> {
	await textbox(page).locator("p", { hasText: text }).click();
	await page.keyboard.press("End");
}

async function select(page: Page, word: string): Promise<void> {
	await textbox(page).locator("strong", { hasText: word }).dblclick();
}
