declare global {
	interface Window {
		EXCALIDRAW_ASSET_PATH?: string;
	}
}

/** Handwriting for Chinese, Japanese and Korean: 13 MB that we don't serve. The system's font does it. */
const notServed = "Xiaolai";

/** Has Excalidraw take its fonts from our server and not from a CDN. To be called before it is loaded. */
export function prepareFonts(): void {
	if (window.EXCALIDRAW_ASSET_PATH !== undefined) return;
	window.EXCALIDRAW_ASSET_PATH = "/";
	const { fonts } = document;
	const add = fonts.add.bind(fonts);
	fonts.add = (font) => (font.family.replaceAll('"', "") === notServed ? fonts : add(font));
}
