import * as encoding from "lib0/encoding";
import type { Client } from "./client.ts";
import { updateFrame } from "./wire-frames.ts";

/** Sends an update that the client's own document does not have. */
export function sendUpdate({ provider, socket }: Client, update: Uint8Array): void {
	socket.webSocket?.send(updateFrame(provider.effectiveName, update));
}

/** An update (V1) with sections of structs that were collected, `length` structs of clock 1 each. */
export function collectedStructs(
	sections: readonly { readonly client: number; readonly clock: number; readonly length: number }[],
): Uint8Array {
	return encoding.encode((encoder) => {
		encoding.writeVarUint(encoder, sections.length);
		for (const { client, clock, length } of sections) {
			for (const number of [length, client, clock]) encoding.writeVarUint(encoder, number);
			for (let left = length; left > 0; left -= 1) {
				encoding.writeUint8(encoder, 0);
				encoding.writeVarUint(encoder, 1);
			}
		}
		encoding.writeVarUint(encoder, 0);
	});
}

/** An update (V1) that deletes every other clock of a client that nobody knows. */
export function strangeDeletions(client: number, ranges: number): Uint8Array {
	return encoding.encode((encoder) => {
		for (const number of [0, 1, client, ranges]) encoding.writeVarUint(encoder, number);
		for (let range = 0; range < ranges; range += 1) {
			encoding.writeVarUint(encoder, 2 * range);
			encoding.writeVarUint(encoder, 1);
		}
	});
}
