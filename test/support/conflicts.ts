import * as encoding from "lib0/encoding";

const [text, hasOrigin, hasRightOrigin] = [4, 128, 64];

/** An update (V1) of which Yjs looks at half of all items for each item: they say that they were made in the same place at the same time. */
export function conflicts(count: number, first = 1): Uint8Array {
	return encoding.encode((encoder) => {
		const write = (...numbers: number[]) => {
			for (const number of numbers) encoding.writeVarUint(encoder, number);
		};
		write(2, count, first, 0);
		for (let index = 0; index < count; index += 1) {
			encoding.writeUint8(encoder, index === 0 ? text : text | hasOrigin);
			if (index === 0) {
				write(1);
				encoding.writeVarString(encoder, "conflicts");
			} else write(first, index - 1);
			encoding.writeVarString(encoder, "x");
		}
		write(count, first + 1, 0);
		for (let index = count - 1; index >= 0; index -= 1) {
			encoding.writeUint8(encoder, text | hasRightOrigin);
			write(first, index);
			encoding.writeVarString(encoder, "y");
		}
		write(0);
	});
}
