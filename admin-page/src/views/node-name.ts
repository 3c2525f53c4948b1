import type { NodeOverview } from "../../../server/admin/facts.ts";

/** As people tell nodes apart: several may run on one host. */
export function nodeName({ host, processId }: NodeOverview): string {
	return `${host} · ${processId}`;
}

/** Nobody is connected to it any more, and all is on disk: its process can be stopped. */
export function isDrained({ phase, connections, backlogUpdates }: NodeOverview): boolean {
	return phase !== "serving" && connections === 0 && backlogUpdates === 0;
}

export function nameOf(id: string, overviews: readonly NodeOverview[]): string {
	const overview = overviews.find((each) => each.id === id);
	return overview === undefined ? id.replace(/^indelible:/, "") : nodeName(overview);
}
