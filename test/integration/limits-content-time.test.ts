import * as encoding from "lib0/encoding";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { sendUpdate } from "../support/forged-updates.ts";
import { limitedNode } from "../support/limited-node.ts";

const [text, hasOrigin, hasRightOrigin] = [4, 128, 64];

/** An update (V1) of which Yjs looks at half of all items for each item: they say that they were made in the same place at the same time. */
function conflicts(count: number): Uint8Array {
	return encoding.encode((encoder) => {
		const write = (...numbers: number[]) => {
			for (const number of numbers) encoding.writeVarUint(encoder, number);
		};
		write(2, count, 1, 0);
		for (let index = 0; index < count; index += 1) {
			encoding.writeUint8(encoder, index === 0 ? text : text | hasOrigin);
			if (index === 0) {
				write(1);
				encoding.writeVarString(encoder, "conflicts");
			} else write(1, index - 1);
			encoding.writeVarString(encoder, "x");
		}
		write(count, 2, 0);
		for (let index = count - 1; index >= 0; index -= 1) {
			encoding.writeUint8(encoder, text | hasRightOrigin);
			write(1, index);
			encoding.writeVarString(encoder, "y");
		}
		write(0);
	});
}

test("[TRN5] an update that would keep the event loop for minutes is given up; the others come back to what is stored and go on", async () => {
	const node = await limitedNode({ updateMsMax: 300 });
	const [attacker, other, elsewhere] = [node.client("doc"), node.client("doc"), node.client("elsewhere")];
	await Promise.all([attacker.synced(), other.type("before ").saved(), elsewhere.type("a").saved()]);
	sendUpdate(attacker, conflicts(30_000));
	await eventually("to be closed", () => attacker.closes.length > 0, 60_000);
	expect(attacker.closes[0]).toEqual({ code: 4413, reason: "update-too-big" });
	expect(node.count("closed", "update-time")).toBe(1);
	await eventually("the other to be back", () => other.closes.length === 1 && other.provider.isSynced);
	expect(other.closes[0]).toEqual({ code: 4205, reason: "document-unloaded" });
	await other.type("after").saved();
	await eventually("everybody to be in step", () => attacker.text.toString() === "before after");
	await elsewhere.type("b").saved();
	expect(elsewhere.closes).toEqual([]);
	const [one, two] = [attacker, other].map(({ document }) => document.getText("conflicts"));
	await eventually("the same of what was forged", () => one?.toString() === two?.toString());
});
