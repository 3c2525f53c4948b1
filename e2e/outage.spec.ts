import type { Page } from "@playwright/test";
import { badge, create, inkOf, open, stroke, textbox, title, typeAtEnd } from "./support/editors.ts";
import { expect, serverGoesAway, test } from "./support/test.ts";

test.describe.configure({ timeout: 120_000 });

/** Back to *Saved* takes as long as the next try to connect: up to 15 seconds, or until somebody looks at the page. */
async function expectSavedAgain(...pages: Page[]): Promise<void> {
	for (const page of pages) await expect(badge(page)).toHaveText("Saved", { timeout: 40_000 });
}

test.afterEach(async ({ server }) => {
	if (!server.isRunning) await server.start();
});

test(
	"[DUR1] the server is killed while two people type: the badge says so, and afterwards the text is whole in both",
	serverGoesAway,
	async ({ person, server }) => {
		const ada = await person();
		const grace = await person();
		const link = await create(ada, "Text");
		await open(grace, link, "Text");
		await typeAtEnd(ada, "Before. ");
		await expect(textbox(grace)).toContainText("Before. ");
		const typing = Promise.all([
			textbox(ada).pressSequentially("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", { delay: 25 }),
			textbox(grace).pressSequentially("gggggggggggggggggggggggggggggggggggggggg", { delay: 25 }),
		]);
		await expect(textbox(ada)).toContainText("aaaaa");
		await server.kill();
		await typing;
		for (const page of [ada, grace])
			await expect(badge(page)).toHaveText(/^Offline, \d+ edits? kept on this device$/);
		await server.start();
		await expectSavedAgain(ada, grace);
		await expect(async () => {
			const [one, other] = [await lettersOf(ada), await lettersOf(grace)];
			expect(one).toBe(other);
			expect(one).toBe("Before. 40a 40g");
		}).toPass();
		// And not only in the browsers.
		const late = await person();
		await open(late, link, "Text");
		expect(await lettersOf(late)).toBe("Before. 40a 40g");
	},
);

/** The words, and how often each of the letters that were typed at the same time is there. */
async function lettersOf(page: Page): Promise<string> {
	const text = await textbox(page).evaluate((element) => {
		const copy = element.cloneNode(true) as HTMLElement;
		for (const caret of copy.querySelectorAll(".caret")) caret.remove();
		return copy.textContent;
	});
	const count = (letter: string) => `${text.split(letter).length - 1}${letter}`;
	return `${text.replaceAll(/[ag]/g, "").trim()} ${count("a")} ${count("g")}`;
}

test(
	"edits made offline are counted, survive a reload without a server, and arrive later",
	serverGoesAway,
	async ({ person, server }) => {
		const ada = await person();
		const link = await create(ada, "Text");
		await typeAtEnd(ada, "online");
		await expect(badge(ada)).toHaveText("Saved");
		// The app itself must be in the browser by then.
		await ada.evaluate(async () => (await navigator.serviceWorker.ready).active?.state);
		await server.kill();
		await expect(badge(ada)).toHaveText("Offline");
		await typeAtEnd(ada, "!");
		await expect(badge(ada)).toHaveText("Offline, 1 edit kept on this device");
		await typeAtEnd(ada, "?!");
		await expect(badge(ada)).toHaveText("Offline, 3 edits kept on this device");
		await ada.reload();
		await expect(textbox(ada)).toContainText("online!?!");
		await expect(badge(ada)).toHaveText("Offline, 3 edits kept on this device");
		await typeAtEnd(ada, ".");
		await expect(badge(ada)).toHaveText("Offline, 4 edits kept on this device");
		await server.start();
		await expectSavedAgain(ada);
		const grace = await person();
		await open(grace, link, "Text");
		await expect(textbox(grace)).toContainText("online!?!.");
	},
);

test(
	"documents made while the server is away arrive later, a whiteboard's strokes too",
	serverGoesAway,
	async ({ person, server }) => {
		const ada = await person();
		await ada.goto("/");
		await ada.evaluate(async () => (await navigator.serviceWorker.ready).active?.state);
		await server.kill();
		await ada.goto("/");
		await ada.getByRole("main").getByRole("button", { name: "Whiteboard" }).click();
		await expect(badge(ada)).toHaveText("Offline");
		await title(ada).fill("Island");
		await stroke(ada, [0.4, 0.4], [0.8, 0.5]);
		await expect(badge(ada)).toHaveText(/^Offline, [1-9]\d* edits kept on this device$/);
		await server.start();
		await expectSavedAgain(ada);
		const grace = await person();
		await open(grace, ada.url(), "Whiteboard");
		await expect(title(grace)).toHaveValue("Island");
		await expect.poll(() => inkOf(grace)).toBeGreaterThan(50);
	},
);

test(
	"without a server and without a copy a page says so, and the document opens by itself later",
	serverGoesAway,
	async ({ person, server }) => {
		const ada = await person();
		const link = await create(ada, "Text");
		await typeAtEnd(ada, "for Grace");
		await expect(badge(ada)).toHaveText("Saved");
		const grace = await person();
		await grace.goto("/");
		await grace.evaluate(async () => (await navigator.serviceWorker.ready).active?.state);
		await server.kill();
		await grace.goto(link);
		await expect(grace.getByRole("heading", { name: "The server is away" })).toBeVisible();
		await expect(badge(grace)).toHaveText("Offline");
		await server.start();
		await grace.getByRole("button", { name: "Try again" }).click();
		await expect(textbox(grace)).toContainText("for Grace");
	},
);

test("edits made without a network arrive when it is back", serverGoesAway, async ({ person }) => {
	const ada = await person();
	const grace = await person();
	const link = await create(ada, "Text");
	await open(grace, link, "Text");
	await ada.context().setOffline(true);
	await typeAtEnd(ada, "far");
	await expect(badge(ada)).toHaveText("Offline, 3 edits kept on this device");
	await typeAtEnd(grace, "near ");
	await ada.context().setOffline(false);
	await expectSavedAgain(ada);
	await expect(textbox(grace)).toContainText("far");
	await expect(textbox(ada)).toContainText("near");
});
