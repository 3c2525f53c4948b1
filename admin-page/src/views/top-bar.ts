import type { NodeOverview } from "../../../server/admin/facts.ts";
import { h, icon, logo, setText } from "../dom.ts";
import type { LiveState } from "../live.ts";
import { currentTheme, onThemeChange, toggleTheme } from "../theme.ts";
import { isDrained, nodeName } from "./node-name.ts";

const moon = "M16.5 11.8A7 7 0 0 1 8.2 3.5a7 7 0 1 0 8.3 8.3Z";
const sun =
	"M10 6.6a3.4 3.4 0 1 0 0 6.8 3.4 3.4 0 0 0 0-6.8M10 1.8v1.6M10 16.6v1.6M1.8 10h1.6M16.6 10h1.6M4.2 4.2l1.1 1.1M14.7 14.7l1.1 1.1M4.2 15.8l1.1-1.1M14.7 5.3l1.1-1.1";
const leave =
	"M12.5 6V4.2A1.4 1.4 0 0 0 11.1 2.8H5.2a1.4 1.4 0 0 0-1.4 1.4v11.6a1.4 1.4 0 0 0 1.4 1.4h5.9a1.4 1.4 0 0 0 1.4-1.4V14M8 10h9.2m-2.6-2.8 2.6 2.8-2.6 2.8";

/** How the cluster is, in a word. */
export type Health = "connecting" | "lost" | "ready" | "degraded" | "draining" | "drained" | "not-ready";

const words: Readonly<Record<Health, string>> = {
	connecting: "Connecting",
	lost: "Disconnected",
	ready: "Ready",
	degraded: "Degraded",
	draining: "Draining",
	drained: "Drained",
	"not-ready": "Not ready",
};

export function healthOf(state: LiveState, overviews: readonly NodeOverview[]): Health {
	if (state.status === "lost") return "lost";
	if (state.status !== "live" || overviews.length === 0) return "connecting";
	const unready = overviews.filter(({ ready }) => !ready);
	if (unready.some(({ phase }) => phase === "serving")) return "not-ready";
	if (unready.length > 0) return unready.every(isDrained) ? "drained" : "draining";
	return overviews.some(({ degraded }) => degraded.length > 0) ? "degraded" : "ready";
}

export interface TopBarOptions {
	readonly onScope: (node: string | undefined) => void;
	readonly onLeave: () => void;
}

export class TopBar {
	readonly element: HTMLElement;
	readonly #badge = h("span", { class: "badge", role: "status" });
	readonly #scope: HTMLSelectElement;
	readonly #scopeField: HTMLElement;
	#shownNodes = "";

	constructor({ onScope, onLeave }: TopBarOptions) {
		this.#scope = h("select", {
			class: "field",
			"aria-label": "Nodes shown",
			onchange: () => onScope(this.#scope.value || undefined),
		});
		this.#scopeField = h("span", { class: "scope", hidden: true }, this.#scope);
		const leaveButton = h(
			"button",
			{ class: "icon-button", type: "button", title: "Sign out", "aria-label": "Sign out", onclick: onLeave },
			icon(leave),
		);
		this.element = h(
			"header",
			{ class: "top-bar" },
			h(
				"a",
				{ class: "brand", href: "#/" },
				logo(26),
				h("span", { class: "brand-name" }, "Indelible"),
				h("span", { class: "brand-part" }, "admin"),
			),
			this.#badge,
			h("span", { class: "spring" }),
			this.#scopeField,
			themeButton(),
			leaveButton,
		);
	}

	show(health: Health, overviews: readonly NodeOverview[], scope: string | undefined): void {
		this.#badge.className = `badge ${health}`;
		setText(this.#badge, words[health]);
		this.#scopeField.hidden = overviews.length < 2;
		const shown = JSON.stringify(overviews.map(({ id }) => id));
		if (shown !== this.#shownNodes) {
			this.#shownNodes = shown;
			const options = overviews.map((overview) => h("option", { value: overview.id }, nodeName(overview)));
			this.#scope.replaceChildren(h("option", { value: "" }, `All ${overviews.length} nodes`), ...options);
		}
		this.#scope.value = scope ?? "";
	}
}

function themeButton(): HTMLElement {
	const button = h("button", { class: "icon-button", type: "button", onclick: toggleTheme });
	const show = () => {
		const isDark = currentTheme() === "dark";
		const label = isDark ? "Use the light theme" : "Use the dark theme";
		button.replaceChildren(icon(isDark ? sun : moon));
		button.setAttribute("aria-label", label);
		button.title = label;
	};
	onThemeChange(show);
	show();
	return button;
}
