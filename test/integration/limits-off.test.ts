import { expect, test } from "vitest";
import { contentLimitSettings } from "../../server/content-limit-settings.ts";
import { trafficSettings } from "../../server/limit-settings.ts";
import { eventually } from "../support/eventually.ts";
import { limitedNode } from "../support/limited-node.ts";

const noLimits = Object.fromEntries(
	[...Object.entries(trafficSettings), ...Object.entries(contentLimitSettings)]
		.filter(([, setting]) => setting.safeParse(0).success)
		.map(([name]) => [name, 0]),
);

test("0 switches each limit off: who would pass them all passes none", async () => {
	expect(Object.keys(noLimits)).toEqual(
		expect.arrayContaining(["slowedMsMax", "updateBytesMax", "shedIdleMs"]),
	);
	const node = await limitedNode({ ...noLimits, limitPrivateAddresses: true });
	const writer = await node.client("doc").synced();
	const reader = await node.client("doc").synced();
	for (let page = 0; page < 20; page += 1) writer.type("x".repeat(1024 * 1024));
	for (let root = 0; root < 1_100; root += 1) writer.document.getMap(`root ${root}`).set("key", root);
	const awareness = writer.provider.awareness;
	awareness?.setLocalState({ picture: "x".repeat(100_000) });
	await writer.saved(60_000);
	await eventually("all of it", () => reader.text.length === 20 * 1024 * 1024, 60_000);
	await eventually("the roots", () => reader.document.getMap("root 1099").get("key") === 1099);
	const picture = () => reader.provider.awareness?.getStates().get(writer.document.clientID)?.picture;
	await eventually("the picture", () => picture()?.length === 100_000);
	expect(node.events).toEqual([]);
	expect([...writer.closes, ...reader.closes]).toEqual([]);
});
