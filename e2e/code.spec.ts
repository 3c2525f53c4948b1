import { create, open, textbox, typeAtEnd } from "./support/editors.ts";
import { expect, test } from "./support/test.ts";

test("[CON1] two people write one piece of code, with each other's cursors, in the same language", async ({
	person,
}) => {
	const ada = await person({ name: "Ada Lovelace" });
	const grace = await person({ name: "Grace Hopper" });
	const link = await create(ada, "Code pad");
	await open(grace, link, "Code pad");
	await typeAtEnd(ada, "const ink = 1;");
	await expect(textbox(grace).locator(".cm-line").first()).toContainText("const ink = 1;");
	await expect(grace.locator(".cm-ySelectionInfo")).toHaveText("Ada Lovelace");
	await typeAtEnd(grace, "\nink + 1;");
	await expect(textbox(ada).locator(".cm-line").nth(1)).toContainText("ink + 1;");
	await ada.getByRole("combobox", { name: "Language" }).selectOption("Markdown");
	await expect(grace.getByRole("combobox", { name: "Language" })).toHaveValue("markdown");
	await expect(ada.getByRole("status")).toHaveText("Saved");
	await ada.reload();
	await expect(textbox(ada)).toContainText("const ink = 1;");
	await expect(textbox(ada)).toContainText("ink + 1;");
});

test("undo takes back one's own edits only", async ({ person }) => {
	const ada = await person();
	const grace = await person();
	const link = await create(ada, "Code pad");
	await open(grace, link, "Code pad");
	await typeAtEnd(ada, "ada();");
	await expect(textbox(grace)).toContainText("ada();");
	await typeAtEnd(grace, "\ngrace();");
	await expect(textbox(ada)).toContainText("grace();");
	await ada.keyboard.press("ControlOrMeta+z");
	await expect(textbox(grace)).not.toContainText("ada");
	await expect(textbox(grace)).toContainText("grace();");
});
