import * as encoding from "lib0/encoding";
import type { Random } from "../random.ts";
import { writeNumber } from "./raw-update.ts";

/** Numbers at which something ends. */
const limits: readonly bigint[] = [
	0n,
	1n,
	127n,
	128n,
	2n ** 31n - 1n,
	2n ** 31n,
	2n ** 32n,
	2n ** 53n - 1n,
	2n ** 53n,
	2n ** 63n,
	2n ** 70n,
];

/** A frame that is like a real one, and wrong. @param others Frames from which parts are taken. */
export function mutate(random: Random, frame: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
	let mutated = frame;
	for (let changes = 1 + random.below(3); changes > 0; changes -= 1)
		mutated = change(random, mutated, others);
	return mutated;
}

function change(random: Random, frame: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
	const at = random.below(frame.length + 1);
	const to = Math.min(frame.length, at + 1 + random.below(8));
	switch (random.below(9)) {
		case 0:
			return frame.map((byte, index) => (index === at ? byte ^ (1 << random.below(8)) : byte));
		case 1:
			return frame.map((byte, index) => (index === at ? random.below(256) : byte));
		case 2:
			return frame.slice(0, at);
		case 3:
			return joined(frame.subarray(0, at), random.bytes(random.below(12)), frame.subarray(at));
		case 4:
			return joined(frame.subarray(0, at), frame.subarray(to));
		case 5:
			return joined(frame.subarray(0, to), frame.subarray(at));
		case 6: {
			// The end of another one.
			const other = random.pick(others);
			return joined(frame.subarray(0, at), other.subarray(random.below(other.length + 1)));
		}
		case 7:
			// A number at a limit in the place of a byte.
			return joined(frame.subarray(0, at), number(random.pick(limits)), frame.subarray(at + 1));
		default: {
			const other = random.pick(others);
			const from = random.below(other.length + 1);
			return joined(
				frame.subarray(0, at),
				other.subarray(from, from + 1 + random.below(30)),
				frame.subarray(to),
			);
		}
	}
}

function number(value: bigint): Uint8Array {
	return encoding.encode((encoder) => writeNumber(encoder, value));
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
	return Uint8Array.from(parts.flatMap((part) => [...part]));
}
