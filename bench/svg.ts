/** What pictures of figures are made of. */

const textPx = 13;
/** Wider than it is in most fonts, so that nothing is cut where there is another one. */
const characterShare = 0.56;

interface Words {
	readonly xPx: number;
	/** Of the line on which the letters stand. */
	readonly yPx: number;
	readonly said: string;
	readonly kind?: string | undefined;
}

export function text({ xPx, yPx, said, kind }: Words): string {
	const attribute = kind === undefined ? "" : ` class="${kind}"`;
	return `<text x="${rounded(xPx)}" y="${rounded(yPx)}"${attribute}>${escapeXml(said)}</text>`;
}

export function widthPxOf(said: string, fontPx = textPx): number {
	return said.length * fontPx * characterShare;
}

/** @returns Lines that are no wider than that, unless a single word is. */
export function brokenInto(said: string, widthPxMax: number, fontPx = textPx): readonly string[] {
	const lines: string[] = [];
	let line = "";
	for (const word of said.split(" ")) {
		const longer = line === "" ? word : `${line} ${word}`;
		if (line !== "" && widthPxOf(longer, fontPx) > widthPxMax) {
			lines.push(line);
			line = word;
		} else {
			line = longer;
		}
	}
	return [...lines, line];
}

/** Coordinates need no more, and stay the same wherever they are computed. */
export function rounded(px: number): number {
	return Math.round(px * 10) / 10;
}

export function escapeXml(said: string): string {
	return said.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
