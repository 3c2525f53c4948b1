import type { Finding } from "./finding.ts";
import type { TrialClient } from "./trial-client.ts";

const check = "silence";

/**
 * Whether a socket stays open on which nobody writes anything. Nodes ping: whatever ends silent connections sooner than that
 * throws people out who read.
 */
export async function checkSilence(client: TrialClient, idleS: number): Promise<Finding> {
	if (idleS === 0) return { check, result: "ok", detail: "not tried (--idle-s 0)" };
	const startedMs = performance.now();
	// Silence is never longer than from one ping to the next.
	await client.until(() => client.closing !== undefined || client.pings >= 2, idleS * 1_000);
	const closedMs = performance.now();
	const lastedS = Math.round((closedMs - startedMs) / 100) / 10;
	if (client.closing === undefined) {
		if (client.pings >= 2)
			return { check, result: "ok", detail: `a silent socket stayed open from ping to ping (${lastedS} s)` };
		const pings = client.pings === 0 ? "no ping" : "one ping";
		return {
			check,
			result: "ok",
			detail: `a silent socket stayed open for ${lastedS} s; ${pings} came meanwhile`,
		};
	}
	const { code, reason } = client.closing;
	const silentS = Math.round((closedMs - client.heardMs) / 100) / 10;
	// A proxy that has had enough just ends the connection; a node says goodbye.
	const by =
		code === 1006 ? "without a word, as balancers do that wait for the next byte" : `with ${code} ${reason}`;
	return {
		check,
		result: "problem",
		detail: `a socket was closed after ${silentS} s of silence ${by}`,
		advice:
			code === 1006
				? "Raise the balancer's timeout for open WebSockets above twice pingIntervalMs (30 s): see docs/deploy.md, Timeouts."
				: "docs/operations.md, How sockets are closed, says what the code means.",
	};
}
