import { UserError } from "../user-error.ts";
import { checkAccess } from "./check-access.ts";
import { checkAddress } from "./check-address.ts";
import { checkClock } from "./check-clock.ts";
import { checkEdits } from "./check-edits.ts";
import { checkExposure } from "./check-exposure.ts";
import { checkFrames } from "./check-frames.ts";
import { checkReach } from "./check-reach.ts";
import { checkSilence } from "./check-silence.ts";
import { findNodes } from "./find-nodes.ts";
import { type Finding, Report } from "./finding.ts";
import type { Deployment } from "./trial.ts";
import { TrialClient } from "./trial-client.ts";

export interface DeploymentOptions {
	/** Where people's editors connect to: `wss://docs.example.com/path`. */
	readonly url: string;
	/** For the provider's token; none by default. */
	readonly token?: string | undefined;
	/** A document to try things on. What is put there is taken out again. */
	readonly documentName?: string | undefined;
	/** Sockets to open, one after the other; 8 by default. */
	readonly connections?: number | undefined;
	/** How long a socket may be silent, in s; until it was pinged twice, 75 s at most, by default. 0 leaves it out. */
	readonly idleS?: number | undefined;
	/** How long an edit may take to be acknowledged or to arrive, in s; 15 by default. */
	readonly patienceS?: number | undefined;
	/** With it, the addresses that nodes see can be checked. It is not sent, only shown to be known. */
	readonly adminToken?: string | undefined;
	readonly json: boolean;
}

const trialDocumentName = "indelible-doctor";
const connectionsDefault = 8;
const idleSDefault = 75;
const patienceSDefault = 15;

/**
 * `indelible doctor --url`: looks at a running deployment from outside, as editors do, through whatever is in front of it.
 * @returns The exit code: 1 when there is a problem.
 * @throws {UserError} when the URL can't be one.
 */
export async function checkDeployment({ json, ...options }: DeploymentOptions): Promise<number> {
	const deployment: Deployment = {
		url: parseUrl(options.url),
		token: options.token ?? "",
		documentName: options.documentName ?? trialDocumentName,
		adminToken: options.adminToken,
	};
	const report = new Report({ json });
	const reach = await checkReach(deployment.url);
	report.add(...reach.findings);
	if (!reach.canGoOn) return report.end();
	report.add(...(await checkExposure(deployment.url)));
	const first = await TrialClient.open(deployment);
	const opening = judgeOpening(first, deployment);
	report.add(opening);
	if (first.status !== "open") {
		report.add(...(await checkAccess(deployment, first)));
		return report.end();
	}
	// It needs a while in which nothing is sent, so it begins now.
	const silence = checkSilence(first.client, options.idleS ?? idleSDefault);
	report.add(...(await checkAccess(deployment, first)));
	report.add(checkClock(first.client.facts));
	report.add(...(await checkAddress(deployment)));
	const found = await findNodes(deployment, options.connections ?? connectionsDefault);
	try {
		report.add(...found.findings);
		if (first.client.isReadOnly) report.add(readOnly);
		else if (found.clients.length > 0) {
			const patienceMs = (options.patienceS ?? patienceSDefault) * 1_000;
			const edits = await checkEdits(found.clients, patienceMs);
			report.add(...edits);
			const isWell = edits.every(({ result }) => result !== "problem");
			if (isWell) report.add(await checkFrames(found.clients, patienceMs));
		}
	} finally {
		for (const client of found.clients) client.end();
	}
	if (!json && options.idleS !== 0)
		console.error("… waiting for the node's pings on a silent socket; --idle-s 0 leaves it out");
	report.add(await silence);
	first.client.end();
	return report.end();
}

const readOnly: Finding = {
	check: "edits",
	result: "warning",
	detail: "not tried: what was shown allows reading only",
	advice: "Give a token that may write the trial document, with --token-variable.",
};

function parseUrl(text: string): URL {
	const url = URL.parse(text.replace(/^http(?=s?:)/i, "ws"));
	if (url === null || !["ws:", "wss:"].includes(url.protocol))
		throw new UserError("--url must be a URL like wss://docs.example.com");
	url.hash = "";
	return url;
}

function judgeOpening(
	opening: Awaited<ReturnType<typeof TrialClient.open>>,
	{ documentName, token }: Deployment,
): Finding {
	const check = "document";
	const name = JSON.stringify(documentName);
	switch (opening.status) {
		case "open":
			return {
				check,
				result: "ok",
				detail: `${name} opens, with ${token === "" ? "no token" : "the token"}`,
			};
		case "denied":
			return {
				check,
				result: "problem",
				detail: `${name} was refused: ${opening.reason}`,
				advice:
					token === ""
						? "Give a token with --token-variable, and a document that it allows with --document."
						: "The token is not good for this document. See docs/security.md for the reasons.",
			};
		case "closed": {
			const { code, reason } = opening.closing;
			return {
				check,
				result: "problem",
				detail: `the socket was closed with ${code} ${reason} before ${name} was open`,
				advice: "docs/operations.md, How sockets are closed, says what the code means.",
			};
		}
		case "no-socket": {
			const { httpStatus, reason } = opening;
			const answer = httpStatus === undefined ? "" : `HTTP ${httpStatus}, `;
			return {
				check,
				result: "problem",
				detail: `no WebSocket at this address: ${answer}${reason || "no reason given"}`,
				advice: adviceFor(httpStatus),
			};
		}
	}
}

function adviceFor(httpStatus: number | undefined): string {
	if (httpStatus === 503) return "The nodes are full, draining or can't save: see their /readyz and logs.";
	if (httpStatus === 403) return "Refused by origin or by the proxy: see docs/security.md.";
	if (httpStatus === 502 || httpStatus === 504) return "The balancer reaches no node.";
	if (httpStatus === undefined) return "Nothing there speaks WebSocket, or it hangs.";
	return "Whatever is in front must pass `Upgrade` and `Connection` on to the nodes: see docs/deploy.md.";
}
