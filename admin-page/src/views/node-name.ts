import type { NodeOverview } from "../../../server/admin/facts.ts";

/** As people tell nodes apart: several may run on one host. */
export function nodeName({ host, processId }: NodeOverview): string {
	return `${host} · ${processId}`;
}

export function nameOf(id: string, overviews: readonly NodeOverview[]): string {
	const overview = overviews.find((each) => each.id === id);
	return overview === undefined ? id.replace(/^indelible:/, "") : nodeName(overview);
}
