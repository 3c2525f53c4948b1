import { AnswerError, ask, RefusedError } from "../api.ts";
import { h, logo, setText } from "../dom.ts";

/**
 * Asks for the token.
 * @param why Why the last one is not good any more.
 * @param signedIn Called with one that the node takes.
 */
export function signInView(why: string | undefined, signedIn: (token: string) => void): HTMLElement {
	const field = h("input", {
		class: "field",
		type: "password",
		id: "token",
		name: "token",
		autocomplete: "current-password",
		"aria-describedby": "token-hint token-problem",
		required: true,
		spellcheck: "false",
	});
	const problem = h("p", { class: "problem", id: "token-problem", role: "alert" }, why);
	const button = h("button", { class: "button primary", type: "submit" }, "Open");
	const submit = async (event: Event) => {
		event.preventDefault();
		const token = field.value.trim();
		if (token === "") return;
		button.disabled = true;
		setText(button, "Opening …");
		try {
			await ask("admin/slow-readers?limit=1", token);
			signedIn(token);
		} catch (error) {
			setText(problem, explain(error));
			field.setAttribute("aria-invalid", String(error instanceof RefusedError));
			field.select();
		} finally {
			button.disabled = false;
			setText(button, "Open");
		}
	};
	return h(
		"main",
		{ class: "sign-in" },
		h(
			"form",
			{ class: "card", onsubmit: (event: Event) => void submit(event) },
			logo(40),
			h("h1", {}, "Indelible admin"),
			h("label", { for: "token" }, "Admin token"),
			field,
			problem,
			button,
			h(
				"p",
				{ class: "hint", id: "token-hint" },
				"The text that the node was started with as ",
				h("code", {}, "--admin-token"),
				". This tab keeps it until it is closed.",
			),
		),
	);
}

function explain(error: unknown): string {
	if (error instanceof RefusedError) return error.message;
	if (error instanceof AnswerError) return `The node answers: ${error.message}.`;
	return "The node does not answer. Is it running?";
}
