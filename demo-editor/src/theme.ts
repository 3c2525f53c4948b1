import { readStored, writeStored } from "./local-storage.ts";
import { cell, type Observable } from "./observable.ts";

export type Theme = "light" | "dark";

const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

function chosen(): Theme | undefined {
	const stored = readStored("theme");
	return stored === "light" || stored === "dark" ? stored : undefined;
}

function effective(): Theme {
	return chosen() ?? (systemIsDark.matches ? "dark" : "light");
}

const current = cell<Theme>(effective());

function apply(): void {
	current.set(effective());
	document.documentElement.dataset.theme = current.get();
}

systemIsDark.addEventListener("change", apply);

export const theme: Observable<Theme> = current;

/** Choosing what the system has means following it again. */
export function toggleTheme(): void {
	const next: Theme = current.get() === "dark" ? "light" : "dark";
	const system: Theme = systemIsDark.matches ? "dark" : "light";
	writeStored("theme", next === system ? undefined : next);
	apply();
}
