// The theme, before the first paint; `src/theme.ts` keeps it from then on. A file, because pages allow no inline scripts.
(() => {
	let choice = null;
	try {
		choice = JSON.parse(localStorage.getItem("indelible:theme"));
	} catch {
		// Storage is forbidden: the system's theme it is.
	}
	const isDark =
		choice === "dark" || (choice !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
	document.documentElement.dataset.theme = isDark ? "dark" : "light";
})();
