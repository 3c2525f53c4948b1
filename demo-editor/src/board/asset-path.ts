declare global {
	interface Window {
		EXCALIDRAW_ASSET_PATH?: string;
	}
}

/** Its fonts are on our own server. Must be there before Excalidraw is. */
window.EXCALIDRAW_ASSET_PATH = "/";

export {};
