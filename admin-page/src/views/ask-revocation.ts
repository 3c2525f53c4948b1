import type { ClusterConnection } from "../../../server/admin/facts.ts";
import type { RevocationWish } from "../api.ts";
import { h } from "../dom.ts";
import { isolated } from "../format.ts";
import { confirm } from "./confirm.ts";

/** Longer ones are cut off where they are shown, and are not known in full. */
const userLengthMax = 255;

/** Whether a connection is of somebody by whose name access can be taken away. */
export function isRevocable({ user }: Pick<ClusterConnection, "user">): boolean {
	return user !== null && user.length <= userLengthMax;
}

/** Asks whose access is to end, where, and how far. @returns What to do; `undefined` for nothing. */
export async function askRevocation(user: string, documentName: string): Promise<RevocationWish | undefined> {
	const where = choice("Where", "revoke-where", [
		["everywhere", "In all documents"],
		["here", `In “${isolated(documentName)}” alone`],
	]);
	const what = choice("What is left", "revoke-what", [
		["close", "Nothing: connections are closed"],
		["readonly", "Reading"],
	]);
	const isSure = await confirm({
		title: `End the access of ${isolated(user)}?`,
		text: "It ends now, on all nodes. For a day, tokens that were made out before now are refused, and later ones let in: have whoever makes them out stop first. A hook or a webhook of yours is asked anew when they come back.",
		details: [where.element, what.element],
		action: "End it",
		isGrave: true,
	});
	if (!isSure) return undefined;
	const action = what.value() === "readonly" ? "readonly" : "close";
	return where.value() === "here" ? { user, document: documentName, action } : { user, action };
}

function choice(legend: string, name: string, options: readonly (readonly [value: string, label: string])[]) {
	const inputs = options.map(([value], index) =>
		h("input", { type: "radio", name, value, checked: index === 0 }),
	);
	const element = h(
		"fieldset",
		{ class: "choice" },
		h("legend", {}, legend),
		...options.map(([, label], index) => h("label", {}, inputs[index], h("span", {}, label))),
	);
	return { element, value: () => inputs.find(({ checked }) => checked)?.value };
}
