import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { badge, canvas, create, open, textbox, title, typeAtEnd } from "./support/editors.ts";
import { Server } from "./support/server.ts";
import { expect, serverGoesAway, test } from "./support/test.ts";

test.afterEach(async ({ server }) => {
	server.thaw();
	if (!server.isRunning) await server.start();
});

test("[DUR3] while acknowledgements stay out, the badge says that the server cannot save, and editing goes on", async ({
	person,
	server,
}) => {
	const page = await person();
	await create(page, "Text");
	server.freeze();
	await typeAtEnd(page, "held back");
	await expect(badge(page)).toHaveText("Saving…");
	await expect(badge(page)).toHaveText("Server cannot save now");
	await typeAtEnd(page, " for a while");
	await expect(textbox(page)).toContainText("held back for a while");
	server.thaw();
	await expect(badge(page)).toHaveText("Saved");
});

test(
	"[DUR5] a damaged document opens as a page that says so, and what the browser has of it stays",
	serverGoesAway,
	async ({ person, server }) => {
		const ada = await person();
		const link = await create(ada, "Text");
		await textbox(ada).focus();
		await ada.keyboard.insertText("unmistakable words");
		await expect(badge(ada)).toHaveText("Saved");
		await ada.goto("/");
		await server.stop();
		await damage(join(server.data, "indelible.sqlite"), "unmistakable");
		await server.start();
		const grace = await person();
		await grace.goto(link);
		await expect(grace.getByRole("heading", { name: "This document is damaged" })).toBeVisible();
		await expect(badge(grace)).toHaveCount(0);
		await ada.goto(link);
		await expect(ada.getByRole("heading", { name: "This document is damaged" })).toBeVisible();
		await expect(ada.getByText("The copy in this browser is kept")).toBeVisible();
		await ada.getByRole("link", { name: "Go to the start page" }).click();
		// Nobody else is harmed.
		await open(grace, await create(ada, "Text"), "Text");
	},
);

/** Changes a letter of what was stored. */
async function damage(file: string, word: string): Promise<void> {
	const bytes = await readFile(file);
	const at = bytes.indexOf(word);
	expect(at, "the word is in the file").toBeGreaterThan(0);
	bytes.write("X", at);
	await writeFile(file, bytes);
}

test("a link with a name that no document can have says so, and is not tried again and again", async ({
	person,
}) => {
	const page = await person();
	let sockets = 0;
	page.on("websocket", () => {
		sockets += 1;
	});
	await page.goto(`/d/${"x".repeat(1_100)}`);
	await expect(page.getByRole("heading", { name: "There is no such document" })).toBeVisible();
	await page.getByRole("main").getByRole("button", { name: "Try again" }).click();
	await expect.poll(() => sockets).toBe(2);
	await expect(page.getByRole("heading", { name: "There is no such document" })).toBeVisible();
	expect(sockets).toBe(2);
	await expect(page.getByRole("navigation", { name: "Recent documents" })).not.toContainText("Untitled");
});

test("a path that is nobody's says so", async ({ person }) => {
	const page = await person();
	await page.goto("/");
	await page.evaluate(() => history.pushState(null, "", "/d/a/b"));
	await page.evaluate(() => dispatchEvent(new PopStateEvent("popstate")));
	await expect(page.getByRole("heading", { name: "There is nothing here" })).toBeVisible();
	await page.getByRole("main").getByRole("link", { name: "Go to the start page" }).click();
	await expect(page.getByRole("heading", { name: "What shall we make?" })).toBeVisible();
});

test("where one may only read, the badge says so and nothing can be edited", async ({ person }) => {
	const server = await Server.start({ INDELIBLE_AUTH_ANONYMOUS_READ: "*" });
	try {
		const page = await person();
		await page.goto(`${server.url}/d/text-minutes`);
		await expect(badge(page)).toHaveText("Read only");
		await expect(textbox(page)).toHaveAttribute("contenteditable", "false");
		await expect(title(page)).not.toBeEditable();
		await expect(page.getByRole("toolbar")).toHaveCount(0);
		await page.goto(`${server.url}/d/code-lamp`);
		await expect(badge(page)).toHaveText("Read only");
		await expect(textbox(page)).toHaveAttribute("contenteditable", "false");
		await expect(page.getByRole("combobox", { name: "Language" })).toBeDisabled();
		await page.goto(`${server.url}/d/board-bay`);
		await expect(canvas(page)).toBeVisible();
		await expect(badge(page)).toHaveText("Read only");
		await expect(page.locator(".excalidraw--view-mode")).toBeVisible();
		// It would complain of a server that is gone.
		await page.close();
	} finally {
		await server.dispose();
	}
});

test("edits that the server refuses are told from a server that can't save", async ({ person }) => {
	const server = await Server.start({ INDELIBLE_DOCUMENT_BYTES_MAX: "4000" });
	try {
		const page = await person();
		await page.goto(`${server.url}/d/text-full`);
		await textbox(page).focus();
		await page.keyboard.insertText("x".repeat(3_000));
		await expect(badge(page)).toHaveText("Saved");
		await page.keyboard.insertText("y".repeat(3_000));
		await expect(badge(page)).toHaveText("Last edits refused, kept on this device");
		// It would complain of a server that is gone.
		await page.close();
	} finally {
		await server.dispose();
	}
});

test("[DUR7] a document that is deleted while it is open says so, and is not asked for again and again", async ({
	person,
}) => {
	const token = "a token for the test";
	const server = await Server.start({ INDELIBLE_ADMIN_TOKEN: token });
	try {
		const page = await person();
		await page.goto(`${server.url}/d/text-minutes`);
		await textbox(page).focus();
		await page.keyboard.insertText("to be forgotten");
		await expect(badge(page)).toHaveText("Saved");
		const deleted = await fetch(`${server.url}/api/documents/text-minutes`, {
			method: "DELETE",
			headers: { Authorization: `Bearer ${token}` },
		});
		expect(deleted.status).toBe(204);
		let sockets = 0;
		page.on("websocket", () => {
			sockets += 1;
		});
		await expect(page.getByRole("heading", { name: "This document was deleted" })).toBeVisible();
		await page.getByRole("main").getByRole("button", { name: "Try again" }).click();
		await expect.poll(() => sockets).toBe(1);
		await expect(page.getByRole("heading", { name: "This document was deleted" })).toBeVisible();
		expect(sockets).toBe(1);
		// It would complain of a server that is gone.
		await page.close();
	} finally {
		await server.dispose();
	}
});
