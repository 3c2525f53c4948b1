import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { clientAddressOf, type TrustedProxies } from "./client-address.ts";
import type { UpgradeRequest } from "./upgrade-request.ts";
import type { WrongTokens } from "./wrong-tokens.ts";

/** What whoever knows the admin token shows, to be told more: `<until when, in ms since 1970>.<its signature>`. */
export const doctorHeader = "x-indelible-doctor";
/** For how long such a proof may be good, in ms. What it opens is harmless; the token itself never travels. */
const proofMsMax = 5 * 60_000;

/** Tells nodes apart for as long as they run, and says nothing of where they are. */
export function nodeName(): string {
	return randomBytes(4).toString("hex");
}

export function doctorProof(adminToken: string, untilMs: number): string {
	return `${untilMs}.${signature(adminToken, untilMs)}`;
}

export interface UpgradeHeadersOptions {
	readonly node: string;
	readonly trustedProxies: TrustedProxies;
	readonly adminToken: string | undefined;
	/** Upgrade requests come from everywhere, also where the admin page can't be reached: proofs are no way to try tokens. */
	readonly wrongProofs: WrongTokens;
}

/**
 * What the answer to an upgrade request says of the node: its name and its clock, so that `indelible doctor` can look at a deployment through
 * its balancer. Whoever proves to know the admin token is told as well from where the request seems to come.
 */
export function upgradeHeaders(
	request: UpgradeRequest,
	{ node, trustedProxies, adminToken, wrongProofs }: UpgradeHeadersOptions,
): string[] {
	const headers = [`X-Indelible-Node: ${node}`, `X-Indelible-Time: ${Date.now()}`];
	const proof = request.headers[doctorHeader];
	if (proof === undefined || adminToken === undefined) return headers;
	const client = clientAddressOf(request, trustedProxies);
	if (wrongProofs.leftMs(client, performance.now()) > 0) return [...headers, "X-Indelible-Doctor: wait"];
	if (!isProof(proof, adminToken, Date.now())) {
		wrongProofs.note(client, performance.now());
		return [...headers, "X-Indelible-Doctor: refused"];
	}
	const peer = request.socket.remoteAddress ?? "unknown";
	return [...headers, `X-Indelible-Client: ${client ?? "unknown"}`, `X-Indelible-Peer: ${peer}`];
}

function isProof(proof: string | readonly string[], adminToken: string, nowMs: number): boolean {
	const [, until = "", given = ""] = /^(\d{1,15})\.([0-9a-f]{64})$/.exec(String(proof)) ?? [];
	const untilMs = Number(until);
	if (given === "" || untilMs < nowMs || untilMs > nowMs + proofMsMax) return false;
	return timingSafeEqual(Buffer.from(given), Buffer.from(signature(adminToken, untilMs)));
}

function signature(adminToken: string, untilMs: number): string {
	return createHmac("sha256", adminToken).update(`indelible doctor ${untilMs}`).digest("hex");
}
