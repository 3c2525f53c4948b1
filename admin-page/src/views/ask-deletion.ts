import { isolated, plural } from "../format.ts";
import { confirm } from "./confirm.ts";

/** @param people How many connections have it open now, on all nodes; `undefined` when that is not known. @returns Whether to delete it. */
export function askDeletion(name: string, people: number | undefined): Promise<boolean> {
	const now = people ? ` (${plural(people, "connection")} now)` : "";
	return confirm({
		title: `Delete “${isolated(name)}” for good?`,
		text: `It is removed from the database, and only a backup brings it back. Whoever has it open${now} is told so, on all nodes, and what they type from then on is not saved. Its name stays refused, so that no browser with a copy brings it back; “indelible delete --free” lets the name be used again.`,
		action: "Delete it",
		isGrave: true,
	});
}
