import { expect, type Locator, type Page } from "@playwright/test";

export type Kind = "Text" | "Whiteboard" | "Code pad";

/** Makes a document from the start page and waits until one can work in it. @returns Its link. */
export async function create(page: Page, kind: Kind): Promise<string> {
	await page.goto("/");
	await page.getByRole("main").getByRole("button", { name: kind }).click();
	await ready(page, kind);
	return page.url();
}

export async function open(page: Page, link: string, kind: Kind): Promise<void> {
	await page.goto(link);
	await ready(page, kind);
}

async function ready(page: Page, kind: Kind): Promise<void> {
	await expect(kind === "Whiteboard" ? canvas(page) : textbox(page)).toBeVisible();
	await expect(badge(page)).toHaveText("Saved");
}

export function badge(page: Page): Locator {
	return page.getByRole("status");
}

/** Where a text or some code is written. */
export function textbox(page: Page): Locator {
	return page.getByRole("textbox", { name: /^(Text|Code)$/ });
}

export function title(page: Page): Locator {
	return page.getByRole("textbox", { name: "Title" });
}

export function canvas(page: Page): Locator {
	return page.locator("canvas.interactive");
}

/** Continues at the end of the text. */
export async function typeAtEnd(page: Page, text: string): Promise<void> {
	await textbox(page).focus();
	await page.keyboard.press("ControlOrMeta+End");
	await page.keyboard.type(text, { delay: 5 });
}

/** Draws a freehand line within the canvas, from and to points in shares of its size. */
export async function stroke(page: Page, from: [number, number], to: [number, number]): Promise<void> {
	await expect(canvas(page)).toBeVisible();
	await page.locator(".excalidraw-container").focus();
	const box = await canvas(page).boundingBox();
	if (box === null) throw new Error("the canvas is not there");
	const at = ([x, y]: [number, number]) => [box.x + x * box.width, box.y + y * box.height] as const;
	await page.keyboard.press("7");
	await page.mouse.move(...at(from));
	await page.mouse.down();
	await page.mouse.move(...at([(from[0] + to[0]) / 2, from[1]]), { steps: 8 });
	await page.mouse.move(...at(to), { steps: 8 });
	await page.mouse.up();
}

/** How much of the drawing is dark, in pixels: more strokes, more ink. */
export function inkOf(page: Page): Promise<number> {
	return countPixels(page.locator("canvas.static"), "dark");
}

/** How much is drawn over the drawing, in pixels: pointers and selections. */
export function overlayOf(page: Page): Promise<number> {
	return countPixels(canvas(page), "any");
}

function countPixels(target: Locator, wanted: "dark" | "any"): Promise<number> {
	return target.evaluate((element, which) => {
		const source = element as HTMLCanvasElement;
		const copy = document.createElement("canvas");
		copy.width = source.width;
		copy.height = source.height;
		const context = copy.getContext("2d", { willReadFrequently: true });
		if (context === null) return 0;
		context.drawImage(source, 0, 0);
		const { data } = context.getImageData(0, 0, copy.width, copy.height);
		let count = 0;
		for (let at = 0; at < data.length; at += 4) {
			const isThere = (data[at + 3] ?? 0) > 0;
			if (isThere && (which === "any" || (data[at] ?? 255) < 128)) count += 1;
		}
		return count;
	}, wanted);
}
