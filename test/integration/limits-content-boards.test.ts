import { expect, test } from "vitest";
import { bigBoard, boardElements } from "../support/boards.ts";
import { eventually } from "../support/eventually.ts";
import { limitedNode } from "../support/limited-node.ts";

test("whoever brings a whiteboard of ten thousand elements is not refused it, with the limits as they are", async () => {
	const node = await limitedNode({});
	const bringer = await node.client("board", { document: bigBoard("object") }).synced();
	await bringer.saved(50_000);
	const other = await node.client("board").synced();
	await eventually("all of it", () => other.document.getMap("elements").size === boardElements, 50_000);
	expect(node.events).toEqual([]);
	expect(bringer.closes).toEqual([]);
});
