import { readStored, writeStored } from "../../demo-editor/src/local-storage.ts";

type Theme = "light" | "dark";

const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

/** The editors' choice is this page's, too. */
export function currentTheme(): Theme {
	const stored = readStored("theme");
	if (stored === "light" || stored === "dark") return stored;
	return systemIsDark.matches ? "dark" : "light";
}

/** Choosing what the system has means following it again. */
export function toggleTheme(): void {
	const next: Theme = currentTheme() === "dark" ? "light" : "dark";
	writeStored("theme", next === (systemIsDark.matches ? "dark" : "light") ? undefined : next);
	apply();
}

const listeners = new Set<() => void>();

export function onThemeChange(listener: () => void): void {
	listeners.add(listener);
}

function apply(): void {
	document.documentElement.dataset.theme = currentTheme();
	for (const listener of listeners) listener();
}

systemIsDark.addEventListener("change", apply);
