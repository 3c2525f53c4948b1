import type { Finding } from "./finding.ts";
import type { Deployment } from "./trial.ts";
import { type Opening, TrialClient } from "./trial-client.ts";

/** What those may do who show nothing, and whether pages from anywhere may connect. */
export async function checkAccess(deployment: Deployment, opened: Opening): Promise<Finding[]> {
	const stranger = deployment.token === "" ? opened : await TrialClient.open({ ...deployment, token: "" });
	const findings = judgeStranger(stranger, deployment.documentName);
	if (stranger !== opened && stranger.status === "open") stranger.client.end();
	const isOpen = stranger.status === "open";
	if (opened.status !== "open" && !isOpen) return findings;
	const origin = await checkOrigin(deployment, isOpen);
	return origin === undefined ? findings : [...findings, origin];
}

function judgeStranger(opening: Opening, documentName: string): Finding[] {
	const check = "access";
	if (opening.status === "denied")
		return [{ check, result: "ok", detail: `without a token, a document is refused: ${opening.reason}` }];
	if (opening.status !== "open") return [];
	const may = opening.client.isReadOnly ? "READ" : "READ AND WRITE";
	return [
		{
			check,
			result: "warning",
			detail: `EVERYBODY may ${may} ${JSON.stringify(documentName)}, without a token; most likely every other document, too`,
			advice: "Say who may do what (docs/security.md), and start nodes with --require-auth.",
		},
	];
}

/** A reserved name (RFC 2606) that no page can have. */
const foreignOrigin = "https://indelible-doctor.invalid";

async function checkOrigin(deployment: Deployment, isOpen: boolean): Promise<Finding | undefined> {
	const check = "origins";
	const opening = await TrialClient.open({ ...deployment, headers: { origin: foreignOrigin } });
	if (opening.status === "open") opening.client.end();
	if (opening.status === "no-socket" && opening.httpStatus === 403)
		return { check, result: "ok", detail: "a page of a foreign origin is refused" };
	if (opening.status !== "open") return undefined;
	if (!isOpen)
		return {
			check,
			result: "ok",
			detail: "pages of any origin may connect, if they have a token of their own",
		};
	return {
		check,
		result: "warning",
		detail:
			"pages of any origin may connect, and need no token: any site can use its visitors' browsers for it",
		advice: "Name the origins of your pages with --allowed-origins.",
	};
}
