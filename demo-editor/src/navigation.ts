import { cell, type Observable } from "./observable.ts";

const path = cell(location.pathname);

addEventListener("popstate", () => path.set(location.pathname));

/** The path of the page that is shown. */
export const currentPath: Observable<string> = path;

export function navigate(to: string): void {
	if (to === path.get()) return;
	history.pushState(null, "", to);
	path.set(location.pathname);
	scrollTo(0, 0);
}
