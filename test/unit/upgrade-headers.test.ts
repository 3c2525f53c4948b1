import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { TrustedProxies } from "../../server/transport/client-address.ts";
import { doctorProof, nodeName, upgradeHeaders } from "../../server/transport/upgrade-headers.ts";
import { WrongTokens } from "../../server/transport/wrong-tokens.ts";

const adminToken = "an admin token of some length";
const minuteMs = 60_000;

interface Setting {
	readonly wrongProofs?: WrongTokens;
	readonly client?: string;
}

function answerTo(
	proof: string | undefined,
	{ wrongProofs = new WrongTokens(), client = "192.0.2.1" }: Setting = {},
): string {
	const request = {
		headers: {
			"x-forwarded-for": `${client}, 10.0.0.7`,
			...(proof === undefined ? {} : { "x-indelible-doctor": proof }),
		},
		socket: { remoteAddress: "10.0.0.5" },
	} as unknown as IncomingMessage;
	const trustedProxies = new TrustedProxies(["10.0.0.0/24"]);
	return upgradeHeaders(request, { node: "n", trustedProxies, adminToken, wrongProofs }).join("\n");
}

test("nodes have names of their own, which say nothing", () => {
	expect(nodeName()).toMatch(/^[0-9a-f]{8}$/);
	expect(nodeName()).not.toBe(nodeName());
});

test("everybody is told which node it is and what time it has, and nobody more", () => {
	expect(answerTo(undefined)).toMatch(/^X-Indelible-Node: n\nX-Indelible-Time: \d+$/);
});

test("whoever proves to know the admin token is told from where they seem to come", () => {
	const answer = answerTo(doctorProof(adminToken, Date.now() + minuteMs));
	expect(answer).toContain("X-Indelible-Client: 192.0.2.1\nX-Indelible-Peer: 10.0.0.5");
});

test("a proof that is old, good for too long, of another token, changed, or none is refused", () => {
	const nowMs = Date.now();
	const good = doctorProof(adminToken, nowMs + minuteMs);
	for (const proof of [
		doctorProof(adminToken, nowMs - 1),
		doctorProof(adminToken, nowMs + 60 * minuteMs),
		doctorProof("another token that is long", nowMs + minuteMs),
		good.replace(/^\d+/, String(nowMs + 2 * minuteMs)),
		good.slice(0, -1),
		`${good}0`,
		"",
		".",
		"é".repeat(70),
		adminToken,
	]) {
		expect(answerTo(proof), proof).toMatch(/X-Indelible-Doctor: refused$/);
		expect(answerTo(proof), proof).not.toContain("192.0.2.1");
	}
});

test("proofs can't be tried at will: after ten wrong ones an address waits for a minute, and others don't", () => {
	const wrongProofs = new WrongTokens();
	const nowMs = Date.now();
	const wrong = doctorProof("another token that is long", nowMs + minuteMs);
	const right = doctorProof(adminToken, nowMs + minuteMs);
	for (let tried = 0; tried < 10; tried += 1)
		expect(answerTo(wrong, { wrongProofs })).toMatch(/X-Indelible-Doctor: refused$/);
	for (const proof of [wrong, right])
		expect(answerTo(proof, { wrongProofs })).toMatch(/X-Indelible-Doctor: wait$/);
	expect(answerTo(right, { wrongProofs, client: "192.0.2.9" })).toContain("X-Indelible-Client: 192.0.2.9");
	expect(wrongProofs.leftMs("192.0.2.1", performance.now() + minuteMs)).toBe(0);
});

test("without an admin token there is nothing to prove", () => {
	const request = { headers: { "x-indelible-doctor": doctorProof("", Date.now() + minuteMs) }, socket: {} };
	const headers = upgradeHeaders(request as unknown as IncomingMessage, {
		node: "n",
		trustedProxies: new TrustedProxies([]),
		adminToken: undefined,
		wrongProofs: new WrongTokens(),
	});
	expect(headers).toHaveLength(2);
});
