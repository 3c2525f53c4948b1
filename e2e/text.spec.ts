import { HocuspocusProvider } from "@hocuspocus/provider";
import { create, open, textbox, title, typeAtEnd } from "./support/editors.ts";
import { expect, test } from "./support/test.ts";

test("[CON1] two people write into one text and see each other's words, carets and names", async ({
	person,
}) => {
	const ada = await person({ name: "Ada Lovelace" });
	const grace = await person({ name: "Grace Hopper" });
	const link = await create(ada, "Text");
	await open(grace, link, "Text");
	await typeAtEnd(ada, "Notes on the engine");
	await expect(textbox(grace)).toContainText("Notes on the engine");
	await expect(grace.locator(".caret-name")).toHaveText("Ada Lovelace");
	await typeAtEnd(grace, ", and on its bugs");
	await expect(textbox(ada)).toContainText("Notes on the engine, and on its bugs");
	await expect(ada.locator(".caret-name")).toHaveText("Grace Hopper");
	await Promise.all([typeAtEnd(ada, " aaaaaaaaaaaaaaaa"), typeAtEnd(grace, " gggggggggggggggg")]);
	await expect(ada.getByRole("status")).toHaveText("Saved");
	await expect(grace.getByRole("status")).toHaveText("Saved");
	await expect(async () => {
		const words = await wordsOf(ada);
		expect(words).toBe(await wordsOf(grace));
		expect(words.match(/a/g)?.length).toBeGreaterThanOrEqual(16);
		expect(words.match(/g/g)?.length).toBeGreaterThanOrEqual(16);
	}).toPass();
});

async function wordsOf(page: Parameters<typeof textbox>[0]): Promise<string> {
	return textbox(page).evaluate((element) => {
		const copy = element.cloneNode(true) as HTMLElement;
		for (const caret of copy.querySelectorAll(".caret")) caret.remove();
		return copy.textContent;
	});
}

test("Hebrew and Arabic begin on the right, with the marks of their lists, and nothing of that is in the document", async ({
	person,
}) => {
	const page = await person();
	const link = await create(page, "Text");
	await typeAtEnd(page, "left\nשלום\n- אחד\n\n[ ] משימה");
	const sides = () =>
		textbox(page).evaluate((element) =>
			[...element.querySelectorAll("p")].map((paragraph) => {
				const words = document.createRange();
				words.selectNodeContents(paragraph);
				const { left, right } = words.getBoundingClientRect();
				const box = element.getBoundingClientRect();
				return left - box.left < box.right - right ? "left" : "right";
			}),
		);
	await expect.poll(sides).toEqual(["left", "right", "right", "right"]);
	const marks = textbox(page).locator("ul");
	await expect(marks.first()).toHaveCSS("direction", "rtl");
	await expect(marks.last()).toHaveCSS("direction", "rtl");
	await expect(page.getByRole("status")).toHaveText("Saved");
	// Whoever merely opens it writes nothing.
	const other = await person();
	await open(other, link, "Text");
	await expect.poll(() => textbox(other).locator("ul[dir=auto]").count()).toBe(2);
	await expect(other.getByRole("button", { name: "Undo" })).toHaveAttribute("aria-disabled", "true");
});

test("everybody of a crowd can be found in the list of people", async ({ person, server }) => {
	const page = await person({ viewport: { width: 640, height: 400 } });
	const link = await create(page, "Text");
	const crowd = Array.from({ length: 30 }, (_, index) => {
		const name = new URL(link).pathname.split("/").at(-1) ?? "";
		const provider = new HocuspocusProvider({ url: server.url.replace("http", "ws"), name });
		provider.setAwarenessField("user", { id: `p${index}`, name: `Person ${index}`, color: "#00796b" });
		return provider;
	});
	try {
		await page.getByRole("button", { name: "31 people are here" }).click();
		const others = page.getByRole("list", { name: "Others who are here" }).getByRole("listitem");
		await others.first().hover();
		await page.mouse.wheel(0, 10_000);
		await expect(others.last()).toBeInViewport({ ratio: 1 });
	} finally {
		for (const provider of crowd) {
			provider.configuration.websocketProvider.destroy();
			provider.destroy();
		}
	}
});

test("undo takes back one's own edits only", async ({ person }) => {
	const ada = await person();
	const grace = await person();
	const link = await create(ada, "Text");
	await open(grace, link, "Text");
	await typeAtEnd(ada, "from Ada");
	await expect(textbox(grace)).toContainText("from Ada");
	await typeAtEnd(grace, " and Grace");
	await expect(textbox(ada)).toContainText("from Ada and Grace");
	await ada.keyboard.press("ControlOrMeta+z");
	await expect(textbox(ada)).not.toContainText("Ada");
	await expect(textbox(ada)).toContainText("and Grace");
	await expect(textbox(grace)).toContainText("and Grace");
	await ada.keyboard.press("ControlOrMeta+Shift+z");
	await expect(textbox(grace)).toContainText("from Ada and Grace");
});

test("[DUR1] what says Saved is there after a reload", async ({ person }) => {
	const page = await person();
	await create(page, "Text");
	await typeAtEnd(page, "still here");
	await expect(page.getByRole("status")).toHaveText("Saved");
	// Without the copy in the browser, so that it can only come from the server.
	await page.evaluate(async () => {
		for (const { name } of await indexedDB.databases()) indexedDB.deleteDatabase(name ?? "");
	});
	await page.reload();
	await expect(textbox(page)).toContainText("still here");
});

test("Markdown shortcuts, the slash menu and tables make what they say, for both", async ({ person }) => {
	const ada = await person();
	const grace = await person();
	const link = await create(ada, "Text");
	await open(grace, link, "Text");
	await typeAtEnd(ada, "# Plan\nIt is **bold** and `exact`.\n- one\ntwo\n\n[ ] buy ink\n\n");
	await expect(grace.getByRole("heading", { name: "Plan" })).toBeVisible();
	await expect(textbox(grace).locator("strong")).toHaveText("bold");
	await expect(textbox(grace).locator("ul:not([data-type]) li")).toHaveCount(2);
	await expect(textbox(grace).locator("[data-type=taskList] li")).toHaveCount(1);
	await textbox(grace).getByRole("checkbox").check();
	await expect(textbox(ada).getByRole("checkbox")).toBeChecked();

	await ada.keyboard.type("/tab");
	await expect(ada.getByRole("option", { name: "Table" })).toHaveAttribute("aria-selected", "true");
	await ada.keyboard.press("Enter");
	await expect(textbox(grace).getByRole("row")).toHaveCount(3);
	await ada.getByRole("button", { name: "Add a row below" }).click();
	await ada.getByRole("button", { name: "Add a column to the right" }).click();
	await expect(textbox(grace).getByRole("row")).toHaveCount(4);
	await expect(textbox(grace).getByRole("columnheader")).toHaveCount(4);
	await ada.getByRole("button", { name: "Remove this column" }).click();
	await ada.getByRole("button", { name: "Remove this row" }).click();
	await expect(textbox(grace).getByRole("row")).toHaveCount(3);
});

test("code blocks are highlighted, links and images come from an address", async ({ person, server }) => {
	const page = await person();
	await create(page, "Text");
	await typeAtEnd(page, "```js\nconst ink = 1;");
	await expect(textbox(page).locator("pre .hljs-keyword")).toHaveText("const");
	await page.keyboard.press("ControlOrMeta+Enter");
	await page.getByRole("button", { name: "Link", exact: true }).click();
	await page.getByRole("textbox", { name: "Address of the link" }).fill("javascript:alert(1)");
	await page.keyboard.press("Enter");
	await expect(page.getByRole("alert")).toHaveText("That is not an address.");
	await page.getByRole("textbox", { name: "Address of the link" }).fill("example.org");
	await page.keyboard.press("Enter");
	await expect(textbox(page).getByRole("link")).toHaveAttribute("href", "https://example.org/");
	await page.keyboard.press("Enter");
	await page.keyboard.type("/image");
	await page.keyboard.press("Enter");
	await page.getByRole("textbox", { name: "Address of the image" }).fill(`${server.url}/icon.svg`);
	await page.keyboard.press("Enter");
	await expect(textbox(page).locator("img")).toHaveJSProperty("complete", true);
	await expect(textbox(page).locator("img")).toHaveAttribute("src", `${server.url}/icon.svg`);
});

test("a picture is chosen from this device", async ({ person }) => {
	const page = await person();
	await create(page, "Text");
	await page.getByRole("button", { name: "Image", exact: true }).click();
	const chooser = page.waitForEvent("filechooser");
	await page.getByRole("button", { name: "From this device" }).click();
	const drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"/>';
	await (await chooser).setFiles({
		name: "lamp.svg",
		mimeType: "image/svg+xml",
		buffer: Buffer.from(drawing),
	});
	await expect(textbox(page).getByAltText("lamp.svg")).toHaveJSProperty("naturalWidth", 40);
	await page.keyboard.type("below");
	await expect(textbox(page)).toContainText("below");
	await expect(textbox(page).getByAltText("lamp.svg")).toBeVisible();
});

for (const way of ["pasted", "dropped"] as const) {
	test(`a picture that is ${way} is in the text, for the other person and after a reload, no larger than it is shown`, async ({
		person,
	}) => {
		const ada = await person();
		const grace = await person();
		const link = await create(ada, "Text");
		await open(grace, link, "Text");
		await typeAtEnd(ada, "before");
		const data = await ada.evaluateHandle(async () => {
			const canvas = new OffscreenCanvas(2_400, 1_200);
			const context = canvas.getContext("2d");
			// Noise: nothing makes it small but fewer pixels.
			const pixels = new ImageData(2_400, 1_200);
			for (let at = 0; at < pixels.data.length; at += 65_536)
				crypto.getRandomValues(pixels.data.subarray(at, Math.min(at + 65_536, pixels.data.length)));
			context?.putImageData(pixels, 0, 0);
			const large = await canvas.convertToBlob({ type: "image/png" });
			const transfer = new DataTransfer();
			transfer.items.add(new File([large], "noise.png", { type: "image/png" }));
			return transfer;
		});
		await textbox(ada).evaluate(
			(element, [how, transfer]) => {
				const { left, bottom } = element.getBoundingClientRect();
				const init = { bubbles: true, cancelable: true };
				const event =
					how === "pasted"
						? new ClipboardEvent("paste", { ...init, clipboardData: transfer })
						: new DragEvent("drop", {
								...init,
								dataTransfer: transfer,
								clientX: left + 400,
								clientY: bottom - 4,
							});
				element.dispatchEvent(event);
			},
			[way, data] as const,
		);
		const picture = (page: typeof ada) => textbox(page).getByAltText("noise.png");
		const width = (page: typeof ada) =>
			picture(page).evaluate((image: HTMLImageElement) => image.complete && image.naturalWidth);
		await expect.poll(() => width(grace)).toBe(1_600);
		await ada.keyboard.type("and after");
		await expect(textbox(grace)).toContainText("and after");
		await expect(picture(grace)).toBeVisible();
		await expect(ada.getByRole("status")).toHaveText("Saved");
		await ada.reload();
		await expect.poll(() => width(ada)).toBe(1_600);
		await expect(textbox(ada)).toContainText("before");
	});
}

test("a title is shared, and names the document in the list and the window", async ({ person }) => {
	const ada = await person();
	const grace = await person();
	const link = await create(ada, "Text");
	await open(grace, link, "Text");
	await title(ada).fill("Ship's log");
	await expect(title(grace)).toHaveValue("Ship's log");
	await expect(grace).toHaveTitle("Ship's log · Indelible");
	const list = grace.getByRole("navigation", { name: "Recent documents" });
	await expect(list.getByRole("link", { name: "Ship's log" })).toHaveAttribute("aria-current", "page");
	await grace.getByRole("button", { name: "New code pad" }).click();
	await expect(grace).toHaveTitle("Untitled code · Indelible");
	await list.getByRole("link", { name: "Ship's log" }).click();
	await expect(title(grace)).toHaveValue("Ship's log");
});

test("people see who is here, and who they become", async ({ person }) => {
	const ada = await person({ name: "Ada Lovelace" });
	const grace = await person({ name: "Grace Hopper" });
	const link = await create(ada, "Text");
	await open(grace, link, "Text");
	await ada.getByRole("button", { name: "2 people are here" }).click();
	const others = ada.getByRole("list", { name: "Others who are here" });
	await expect(others).toHaveText(/Grace Hopper/);
	await grace.getByRole("button", { name: "2 people are here" }).click();
	await grace.getByRole("textbox", { name: "Your name" }).fill("Admiral Hopper");
	await grace.getByRole("radio", { name: "Colour 2" }).check();
	await grace.keyboard.press("Escape");
	await expect(others).toHaveText(/Admiral Hopper/);
	await typeAtEnd(grace, "aye");
	await expect(ada.locator(".caret-name")).toHaveText("Admiral Hopper");
	await expect(ada.locator(".caret")).toHaveAttribute("style", /#b3401a/);
	await grace.reload();
	await expect(others).toHaveText(/Admiral Hopper/);
	await grace.context().close();
	await expect(others).toHaveText("");
});
