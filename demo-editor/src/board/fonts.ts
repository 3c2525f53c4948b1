declare global {
	interface Window {
		EXCALIDRAW_ASSET_PATH?: string;
	}
}

/** Handwriting for Chinese, Japanese and Korean: 13 MB that we don't serve. The system's font does it. */
const notServed = "Xiaolai";

/**
 * Has Excalidraw take its fonts from our own server. It names a CDN as the second source of each, which a page that
 * allows no foreign fonts would complain about even though the first one is there. To be called before it is loaded.
 */
export function prepareFonts(): void {
	if (window.EXCALIDRAW_ASSET_PATH !== undefined) return;
	window.EXCALIDRAW_ASSET_PATH = "/";
	const { fonts } = document;
	const add = fonts.add.bind(fonts);
	fonts.add = (font) => (font.family.replaceAll('"', "") === notServed ? fonts : add(font));
	window.FontFace = class extends FontFace {
		constructor(family: string, source: string | BufferSource, descriptors?: FontFaceDescriptors) {
			super(family, typeof source === "string" ? ownSources(source) : source, descriptors);
		}
	};
}

function ownSources(source: string): string {
	const sources = source.split(/,\s*(?=url\()/);
	const own = sources.filter((candidate) => {
		const address = /^url\(["']?([^"')]+)/.exec(candidate)?.[1];
		return address === undefined || new URL(address, location.href).origin === location.origin;
	});
	return own.length === 0 ? `local("${notServed}")` : own.join(", ");
}
