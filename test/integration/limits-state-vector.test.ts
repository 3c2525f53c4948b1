import * as encoding from "lib0/encoding";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { limitedNode } from "../support/limited-node.ts";
import { messageFrame } from "../support/wire-frames.ts";

test("[TRN5] whoever claims to have edits of hundreds of thousands of clients is closed, and nobody else", async () => {
	const node = await limitedNode({});
	const [attacker, other] = [node.client("doc"), node.client("doc")];
	await Promise.all([attacker.synced(), other.synced()]);
	const clients = 200_000;
	const stateVector = encoding.encode((encoder) => {
		encoding.writeVarUint(encoder, clients);
		for (let client = 0; client < clients; client += 1) {
			encoding.writeVarUint(encoder, 0x1000_0000 + client);
			encoding.writeVarUint(encoder, 1);
		}
	});
	const [sync, step1] = [0, 0];
	const frame = messageFrame("doc", (encoder) => {
		encoding.writeVarUint(encoder, sync);
		encoding.writeVarUint(encoder, step1);
		encoding.writeVarUint8Array(encoder, stateVector);
	});
	attacker.socket.webSocket?.send(frame);
	await eventually("it to be closed", () => attacker.closes.length > 0);
	expect(attacker.closes[0]).toEqual({ code: 4413, reason: "update-too-big" });
	expect(node.count("closed", "update-size")).toBe(1);
	await other.type("goes on").saved();
	expect(other.closes).toEqual([]);
});
