import { doctorHeader, doctorProof } from "../transport/upgrade-headers.ts";
import type { Finding } from "./finding.ts";
import type { Deployment } from "./trial.ts";
import { headerOf, TrialClient } from "./trial-client.ts";

/** Of a network that is for documentation (RFC 5737): nobody has it. */
const foreignAddress = "192.0.2.77";
const proofMs = 60_000;

/** Whether nodes know where people come from, and nobody can lie about it. Limits per address rest on it. */
export async function checkAddress(deployment: Deployment): Promise<Finding[]> {
	const { adminToken } = deployment;
	if (adminToken === undefined) return [];
	const opening = await TrialClient.open({
		...deployment,
		headers: {
			"x-forwarded-for": foreignAddress,
			[doctorHeader]: doctorProof(adminToken, Date.now() + proofMs),
		},
	});
	if (opening.status !== "open") return [];
	const { facts } = opening.client;
	opening.client.end();
	return [judgeAddress(headerOf(facts, "x-indelible-client"), headerOf(facts, "x-indelible-peer"), facts)];
}

const answers: ReadonlyMap<string | undefined, string> = new Map([
	["refused", "the node does not know this admin token"],
	["wait", "wrong admin tokens were tried from here: the node says nothing for a minute"],
]);

function judgeAddress(
	client: string | undefined,
	peer: string | undefined,
	facts: Parameters<typeof headerOf>[0],
): Finding {
	const check = "addresses";
	if (client === undefined || peer === undefined) {
		const answer = headerOf(facts, "x-indelible-doctor");
		return {
			check,
			result: "warning",
			detail: answers.get(answer) ?? "the node has no admin token to check against",
			advice:
				"Give it the nodes' admin token as INDELIBLE_ADMIN_TOKEN. Clocks may differ by 4 minutes at most.",
		};
	}
	if (client === foreignAddress) {
		return {
			check,
			result: "problem",
			detail: `the node believes whatever address a client claims (it took ${foreignAddress} for this machine's)`,
			advice:
				"Have the outermost proxy replace X-Forwarded-For, and name only your proxies in --trusted-proxies.",
		};
	}
	const from = client.replace(/^::ffff:/, "");
	if (from === peer.replace(/^::ffff:/, "")) {
		return {
			check,
			result: "warning",
			detail: `the node takes this machine for ${from}, which is whoever connects to it`,
			advice: `Right without a proxy. Behind one, everybody seems to share its address, and the limits for one: name it, --trusted-proxies ${from}.`,
		};
	}
	return {
		check,
		result: "ok",
		detail: `the node takes this machine for ${from}, behind ${peer.replace(/^::ffff:/, "")}`,
	};
}
