import { canvas, create, inkOf, open, overlayOf, stroke } from "./support/editors.ts";
import { expect, test } from "./support/test.ts";

test("[CON1] strokes that two people draw appear on both whiteboards, none is lost", async ({ person }) => {
	const ada = await person({ name: "Ada Lovelace" });
	const grace = await person({ name: "Grace Hopper" });
	const link = await create(ada, "Whiteboard");
	await open(grace, link, "Whiteboard");
	expect(await inkOf(grace)).toBe(0);
	await stroke(ada, [0.4, 0.3], [0.8, 0.4]);
	await expect.poll(() => inkOf(grace)).toBeGreaterThan(50);
	const one = await inkOf(grace);
	await Promise.all([stroke(ada, [0.4, 0.5], [0.8, 0.6]), stroke(grace, [0.4, 0.7], [0.8, 0.8])]);
	await expect.poll(() => inkOf(grace)).toBeGreaterThan(2.5 * one);
	await expect.poll(() => inkOf(ada)).toBeGreaterThan(2.5 * one);
	for (const page of [ada, grace]) await expect(page.getByRole("status")).toHaveText("Saved");
});

test("undo takes back one's own strokes only", async ({ person }) => {
	const ada = await person();
	const grace = await person();
	const link = await create(ada, "Whiteboard");
	await open(grace, link, "Whiteboard");
	await stroke(ada, [0.4, 0.3], [0.8, 0.4]);
	await expect.poll(() => inkOf(grace)).toBeGreaterThan(50);
	const one = await inkOf(grace);
	await stroke(grace, [0.4, 0.6], [0.8, 0.7]);
	await expect.poll(() => inkOf(ada)).toBeGreaterThan(1.5 * one);
	await ada.keyboard.press("ControlOrMeta+z");
	await expect.poll(() => inkOf(grace)).toBeLessThan(1.5 * one);
	await expect.poll(() => inkOf(ada)).toBeLessThan(1.5 * one);
	expect(await inkOf(ada)).toBeGreaterThan(50);
	// There is nothing more of hers.
	await ada.keyboard.press("ControlOrMeta+z");
	await ada.keyboard.press("ControlOrMeta+Shift+z");
	await expect.poll(() => inkOf(grace)).toBeGreaterThan(1.5 * one);
});

test("[DUR1] a drawing that is Saved comes back from the server, with what was erased still gone", async ({
	person,
}) => {
	const ada = await person();
	const link = await create(ada, "Whiteboard");
	await stroke(ada, [0.4, 0.3], [0.8, 0.4]);
	await stroke(ada, [0.4, 0.6], [0.8, 0.7]);
	const two = await inkOf(ada);
	await ada.keyboard.press("ControlOrMeta+z");
	await expect.poll(() => inkOf(ada)).toBeLessThan(0.75 * two);
	const one = await inkOf(ada);
	await expect(ada.getByRole("status")).toHaveText("Saved");
	const grace = await person();
	await open(grace, link, "Whiteboard");
	await expect.poll(() => inkOf(grace)).toBeGreaterThan(0.5 * one);
	expect(await inkOf(grace)).toBeLessThan(1.3 * one);
});

test("pointers are seen live, and the whiteboard is loaded only when one is opened", async ({ person }) => {
	// It would fetch all editors for later.
	const ada = await person({ name: "Ada Lovelace", serviceWorkers: "block" });
	const grace = await person({ name: "Grace Hopper" });
	const requests: string[] = [];
	ada.on("request", (request) => requests.push(request.url()));
	await create(ada, "Text");
	expect(requests.filter((url) => /board|\/fonts\//.test(url))).toEqual([]);
	const link = await create(ada, "Whiteboard");
	expect(requests.filter((url) => /board/.test(url))).not.toEqual([]);
	expect(requests.filter((url) => new URL(url).origin !== new URL(link).origin)).toEqual([]);
	await open(grace, link, "Whiteboard");
	const before = await overlayOf(ada);
	const box = await canvas(grace).boundingBox();
	await grace.mouse.move((box?.x ?? 0) + 500, (box?.y ?? 0) + 300);
	await grace.mouse.move((box?.x ?? 0) + 510, (box?.y ?? 0) + 310);
	await expect.poll(() => overlayOf(ada)).toBeGreaterThan(before + 200);
});

test("an image on a whiteboard reaches the other side, and comes back after a reload", async ({ person }) => {
	const ada = await person();
	const grace = await person();
	const link = await create(ada, "Whiteboard");
	await open(grace, link, "Whiteboard");
	const dataTransfer = await ada.evaluateHandle(() => {
		const drawing =
			'<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200"><rect width="200" height="200"/></svg>';
		const transfer = new DataTransfer();
		transfer.items.add(new File([drawing], "square.svg", { type: "image/svg+xml" }));
		return transfer;
	});
	await canvas(ada).dispatchEvent("drop", { dataTransfer, clientX: 700, clientY: 400 });
	await expect.poll(() => inkOf(grace)).toBeGreaterThan(10_000);
	await expect(ada.getByRole("status")).toHaveText("Saved");
	await ada.reload();
	await expect.poll(() => inkOf(ada)).toBeGreaterThan(10_000);
});

test("[CON1] while one draws, what the other changes meanwhile stays changed", async ({ person }) => {
	const ada = await person();
	const grace = await person();
	const link = await create(ada, "Whiteboard");
	await open(grace, link, "Whiteboard");
	await stroke(ada, [0.4, 0.6], [0.8, 0.7]);
	await expect.poll(() => inkOf(grace)).toBeGreaterThan(50);
	const one = await inkOf(grace);
	const box = await canvas(ada).boundingBox();
	const [left, top] = [(box?.x ?? 0) + 420, (box?.y ?? 0) + 200];
	await ada.keyboard.press("7");
	await ada.mouse.move(left, top);
	await ada.mouse.down();
	await ada.mouse.move(left + 20, top, { steps: 4 });
	// Grace takes Ada's first stroke away while Ada is in the middle of the second.
	await grace.locator(".excalidraw-container").focus();
	await grace.keyboard.press("1");
	await grace.keyboard.press("ControlOrMeta+a");
	await grace.keyboard.press("Delete");
	await ada.mouse.move(left + 40, top, { steps: 10 });
	await ada.mouse.move(left + 60, top, { steps: 30 });
	await ada.mouse.up();
	await expect.poll(() => inkOf(ada)).toBeLessThan(one);
	for (const page of [ada, grace]) await expect(page.getByRole("status")).toHaveText("Saved");
	expect(await inkOf(ada)).toBeLessThan(one);
	expect(await inkOf(grace)).toBeLessThan(one);
});
