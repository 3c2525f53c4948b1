/** Keeps a copy of the app for when the server is away. Not in development, where it would be outdated at once. */
export function keepAppOffline(): void {
	if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
	// After the page is there: it fetches all editors.
	addEventListener("load", () => {
		// Where it is forbidden, as in some private windows, the app works without.
		navigator.serviceWorker.register("/service-worker.js").catch(() => {});
	});
}

/** A page from before an update asks for files that are gone: the new page has the new ones. */
export function reloadWhenOutdated(): void {
	addEventListener("vite:preloadError", (event) => {
		const key = "indelible:reloaded-for-update";
		if (!navigator.onLine || sessionStorage.getItem(key) === location.href) return;
		sessionStorage.setItem(key, location.href);
		event.preventDefault();
		location.reload();
	});
}
