import { randomBytes } from "node:crypto";
import type { Finding } from "./finding.ts";
import { mark } from "./trial.ts";
import type { TrialClient } from "./trial-client.ts";

const MiB = 1024 * 1024;
const frameSizes = [MiB / 16, MiB, 8 * MiB] as const;

/** How large an edit may be, in both directions. Leaves nothing behind but the note that something was deleted. */
export async function checkFrames(clients: readonly TrialClient[], arrivalMsMax: number): Promise<Finding> {
	const check = "frames";
	const [author, reader] = clients;
	if (author === undefined || reader === undefined)
		return { check, result: "ok", detail: "not tried: one client only" };
	let passed = 0;
	for (const bytes of frameSizes) {
		const problem = await tryFrame(author, reader, { bytes, arrivalMsMax });
		if (problem !== undefined) {
			const detail = `${passed === 0 ? "" : `${size(passed)} in one message pass, `}${size(bytes)} don't: ${problem}`;
			const advice =
				"Pictures in whiteboards are such messages. The limit is the node's (frameBytesMax, and those on updates), or the balancer's.";
			return { check, result: bytes > MiB ? "warning" : "problem", detail, advice };
		}
		passed = bytes;
	}
	return { check, result: "ok", detail: `${size(passed)} in one message pass` };
}

async function tryFrame(
	author: TrialClient,
	reader: TrialClient,
	{ bytes, arrivalMsMax }: { readonly bytes: number; readonly arrivalMsMax: number },
): Promise<string | undefined> {
	const key = mark();
	const content = new Uint8Array(randomBytes(bytes));
	const refusalsBefore = author.refusals;
	author.document.getMap("doctor").set(key, content);
	const isOver = () => author.isSaved || author.refusals > refusalsBefore || author.closing !== undefined;
	await author.until(isOver, arrivalMsMax);
	const problem = describe(author, refusalsBefore, arrivalMsMax);
	const arrived = () => reader.document.getMap("doctor").has(key) || reader.closing !== undefined;
	const arrivedMs = problem === undefined ? await reader.until(arrived, arrivalMsMax) : 0;
	author.document.getMap("doctor").delete(key);
	await author.until(() => author.isSaved || author.closing !== undefined, arrivalMsMax);
	if (problem !== undefined) return problem;
	if (reader.closing !== undefined) return `the reader's socket was closed with ${reader.closing.code}`;
	return arrivedMs === undefined
		? `it was stored and did not arrive in ${arrivalMsMax / 1_000} s`
		: undefined;
}

function describe(author: TrialClient, refusalsBefore: number, arrivalMsMax: number): string | undefined {
	if (author.closing !== undefined)
		return `the socket was closed with ${author.closing.code} ${author.closing.reason}`;
	if (author.refusals > refusalsBefore) return "the node refuses it";
	return author.isSaved ? undefined : `it was not acknowledged in ${arrivalMsMax / 1_000} s`;
}

function size(bytes: number): string {
	return bytes < MiB ? `${bytes / 1024} KiB` : `${bytes / MiB} MiB`;
}
