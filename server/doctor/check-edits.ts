import type { Finding } from "./finding.ts";
import { mark } from "./trial.ts";
import type { TrialClient } from "./trial-client.ts";

/** Through Redis it is a hop; through the database up to 2 s, and presence does not come at all. */
const presenceMsMax = 5_000;
const slowMs = 1_000;

/** Edits on one node, and looks whether they are stored, and whether the others hear of it. Leaves nothing behind. */
export async function checkEdits(clients: readonly TrialClient[], arrivalMsMax: number): Promise<Finding[]> {
	const [author, ...readers] = clients;
	if (author === undefined) return [];
	const findings: Finding[] = [];
	const key = mark();
	author.document.getMap("doctor").set(key, key);
	const savedMs = await author.until(
		() => author.isSaved || author.refusals > 0 || author.closing !== undefined,
		arrivalMsMax,
	);
	const saved = judgeSaved(author, savedMs, arrivalMsMax);
	findings.push(saved);
	for (const reader of readers) findings.push(await crossing(author, reader, { key, arrivalMsMax }));
	author.document.getMap("doctor").delete(key);
	author.awareness.setLocalState(null);
	if (saved.result !== "problem")
		await author.until(() => author.isSaved || author.closing !== undefined, arrivalMsMax);
	return findings;
}

function judgeSaved(author: TrialClient, savedMs: number | undefined, arrivalMsMax: number): Finding {
	const check = "edits";
	if (author.refusals > 0)
		return {
			check,
			result: "problem",
			detail: "an edit was refused",
			advice: "The token may not write this document.",
		};
	if (author.closing !== undefined) {
		const { code, reason } = author.closing;
		return {
			check,
			result: "problem",
			detail: `the socket of an edit was closed with ${code} ${reason}`,
			advice: "docs/operations.md, How sockets are closed, says what the code means.",
		};
	}
	if (savedMs === undefined || !author.isSaved) {
		return {
			check,
			result: "problem",
			detail: `an edit was not acknowledged in ${arrivalMsMax / 1_000} s`,
			advice:
				"The database or the disk fails or hangs: see the nodes' /readyz and logs. Nothing acknowledged is lost.",
		};
	}
	const detail = `an edit was acknowledged as stored after ${Math.round(savedMs)} ms`;
	if (savedMs < slowMs) return { check, result: "ok", detail };
	return { check, result: "warning", detail, advice: "The database or the disk is slow, or far away." };
}

/** Whether somebody on another node sees an edit that was made already, and the author's cursor. */
async function crossing(
	author: TrialClient,
	reader: TrialClient,
	{ key, arrivalMsMax }: { readonly key: string; readonly arrivalMsMax: number },
): Promise<Finding> {
	const isOther = author.node !== reader.node;
	const check = isOther ? "crossing" : "fan-out";
	const way = isOther ? `from node ${author.node} to node ${reader.node}` : "to another person on the node";
	const has = () => reader.document.getMap("doctor").get(key) === key;
	const textMs = await reader.until(has, arrivalMsMax);
	if (textMs === undefined) {
		return {
			check,
			result: "problem",
			detail: `an edit did not get ${way} in ${arrivalMsMax / 1_000} s`,
			advice: isOther
				? "The nodes don't have the same database, or it fails. Give all of them the same --database-url."
				: "The node's log says more.",
		};
	}
	author.awareness.setLocalState({ doctor: key });
	const sees = () => reader.awareness.getStates().get(author.document.clientID)?.doctor === key;
	const presenceMs = await reader.until(sees, Math.min(presenceMsMax, arrivalMsMax));
	author.awareness.setLocalState(null);
	if (presenceMs === undefined) {
		return {
			check,
			result: isOther ? "problem" : "warning",
			detail: `an edit gets ${way}, a cursor does not in ${Math.min(presenceMsMax, arrivalMsMax) / 1_000} s`,
			advice: isOther
				? "The nodes don't hear each other, and follow the database: Redis is away, or they have different redisUrl or none. See /readyz, degraded."
				: "Presence is not passed on.",
		};
	}
	return {
		check,
		result: "ok",
		detail: `an edit and a cursor get ${way} (the cursor in ${Math.round(presenceMs)} ms)`,
	};
}
