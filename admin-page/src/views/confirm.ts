import { h } from "../dom.ts";

export interface Question {
	readonly title: string;
	readonly text: string;
	/** What else there is to choose, below the text. */
	readonly details?: readonly HTMLElement[];
	/** What the button does that goes ahead. */
	readonly action: string;
	readonly isGrave?: boolean;
}

/** Asks before something is done. @returns Whether to go ahead. */
export function confirm({ title, text, details = [], action, isGrave = false }: Question): Promise<boolean> {
	return new Promise((resolve) => {
		const dialog = h(
			"dialog",
			{ class: "confirm", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text" },
			h("h2", { id: "confirm-title" }, title),
			h("p", { id: "confirm-text" }, text),
			...details,
			h(
				"div",
				{ class: "confirm-buttons" },
				h("button", { class: "button", type: "button", onclick: () => dialog.close() }, "Cancel"),
				h(
					"button",
					{
						class: isGrave ? "button grave" : "button primary",
						type: "button",
						onclick: () => dialog.close("ahead"),
					},
					action,
				),
			),
		);
		dialog.addEventListener("close", () => {
			dialog.remove();
			resolve(dialog.returnValue === "ahead");
		});
		dialog.addEventListener("click", (event) => {
			// Beside it, on its backdrop.
			if (event.target === dialog) dialog.close();
		});
		document.body.append(dialog);
		dialog.showModal();
	});
}
