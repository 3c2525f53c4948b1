import { h } from "../dom.ts";

const shownMs = 8_000;
const shownMax = 3;

/** What came of something, for a while; screen readers say it. */
export class Notices {
	readonly element = h("div", {
		class: "notices",
		role: "status",
		"aria-live": "polite",
		popover: "manual",
	});

	show(text: string, kind: "good" | "bad" = "good"): void {
		const notice = h("p", { class: `notice ${kind}` }, text);
		this.element.append(notice);
		while (this.element.childElementCount > shownMax) this.element.firstElementChild?.remove();
		setTimeout(() => {
			notice.remove();
			if (this.element.childElementCount === 0) this.element.hidePopover();
		}, shownMs);
		// On top of dialogs that were opened since.
		this.element.hidePopover();
		this.element.showPopover();
	}
}
