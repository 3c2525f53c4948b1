import type { Finding } from "./finding.ts";
import { type Deployment, mark } from "./trial.ts";
import { headerOf, TrialClient } from "./trial-client.ts";

export interface Found {
	readonly findings: readonly Finding[];
	/** One on each node that was found, two when there is only one. */
	readonly clients: readonly TrialClient[];
}

/** Connects a few times, to see which nodes answer and how the balancer chooses. */
export async function findNodes(deployment: Deployment, connections: number): Promise<Found> {
	const opened: TrialClient[] = [];
	const failures: string[] = [];
	const open = async (url: URL) => {
		const opening = await TrialClient.open({ ...deployment, url });
		if (opening.status === "open") opened.push(opening.client);
		else if (opening.status === "closed") failures.push(`closed with ${opening.closing.code}`);
		else failures.push(opening.reason || `HTTP ${opening.status === "no-socket" ? opening.httpStatus : ""}`);
	};
	for (let count = 0; count < connections; count += 1) await open(deployment.url);
	const isFirstAlone = spread(opened).size === 1;
	// A balancer that goes by the document's name shows its other nodes for other names.
	if (isFirstAlone) for (let count = 0; count < connections; count += 1) await open(named(deployment.url));
	const clients = representatives(opened);
	for (const client of opened) if (!clients.includes(client)) client.end();
	const findings = [
		...(opened.length === 0 ? [] : [judgeSpread(spread(opened), isFirstAlone)]),
		...judgeFailures(failures, 2 * connections),
		...judgeAnswer(opened),
	];
	return { findings, clients };
}

function named(url: URL): URL {
	const other = new URL(url);
	other.searchParams.set("document", mark());
	return other;
}

function spread(clients: readonly TrialClient[]): Map<string, number> {
	const counts = new Map<string, number>();
	for (const { node = "unnamed" } of clients) counts.set(node, (counts.get(node) ?? 0) + 1);
	return counts;
}

function representatives(clients: readonly TrialClient[]): TrialClient[] {
	const byNode = new Map(clients.map((client) => [client.node, client]));
	const [one, ...others] = byNode.values();
	if (one === undefined || others.length > 0) return [...byNode.values()];
	const second = clients.find((client) => client !== one);
	return second === undefined ? [one] : [one, second];
}

function judgeSpread(counts: ReadonlyMap<string, number>, wasAlone: boolean): Finding {
	const check = "nodes";
	const list = [...counts].map(([node, count]) => `${node} ${count}×`).join(", ");
	if (counts.has("unnamed"))
		return {
			check,
			result: "ok",
			detail: "nodes don't say which one they are: the headers X-Indelible-… are not passed on",
		};
	if (counts.size <= 1)
		return {
			check,
			result: "ok",
			detail: `one node answers (${list}), or the balancer sends this machine to the same one`,
		};
	const how = wasAlone ? "the document in the URL decides on the node" : "any node for anybody";
	return { check, result: "ok", detail: `${counts.size} nodes answer (${list}): ${how}` };
}

function judgeFailures(failures: readonly string[], attempts: number): Finding[] {
	const [first] = failures;
	if (first === undefined) return [];
	const detail = `${failures.length} of up to ${attempts} attempts to connect failed: ${first}`;
	const advice = "A node that is down or refuses should be passed over by the balancer: see docs/deploy.md.";
	return [{ check: "nodes", result: "problem", detail, advice }];
}

/** What somebody on the way has made of the answer. */
function judgeAnswer([client]: readonly TrialClient[]): Finding[] {
	if (client === undefined) return [];
	const findings: Finding[] = [];
	if (client.facts.extensions !== "") {
		findings.push({
			check: "compression",
			result: "warning",
			detail: `${client.facts.extensions} was agreed on, which nodes don't offer: somebody on the way compresses`,
			advice: "It costs memory for each socket and delays edits. Switch it off for WebSockets.",
		});
	}
	if (headerOf(client.facts, "set-cookie") !== undefined) {
		findings.push({
			check: "stickiness",
			result: "ok",
			detail: "the balancer sets a cookie; nodes need none, a client may come to another one each time",
		});
	}
	return findings;
}
