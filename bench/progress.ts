const intervalMs = 100;

export interface Progress {
	show(text: string): void;
	end(): void;
}

/** One line on a terminal that is written over; on anything else a line per target. */
export function showProgress(title: string): Progress {
	const { stderr } = process;
	if (!stderr.isTTY) {
		stderr.write(`${title} …\n`);
		return { show: () => {}, end: () => {} };
	}
	let shownMs = Number.NEGATIVE_INFINITY;
	const clear = () => stderr.write("\r\u001b[K");
	return {
		show(text) {
			if (performance.now() - shownMs < intervalMs) return;
			shownMs = performance.now();
			clear();
			stderr.write(`${title}: ${text}`);
		},
		end: clear,
	};
}
