import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { JwtAuthority } from "../../extensions/auth/jwt.ts";
import { signTicket, TicketAuthority } from "../../extensions/auth/ticket.ts";
import type { Authority, Credentials } from "../../extensions/auth/verdict.ts";
import { WebhookAuthority } from "../../extensions/auth/webhook.ts";
import { mutate } from "../support/fuzz/mutate.ts";
import { Random, testSeed } from "../support/random.ts";
import { makeKey, signToken, startHttp, testSecret } from "../support/tokens.ts";

const rounds = Number(process.env.INDELIBLE_FUZZ_ROUNDS ?? 2_000);

function credentials(shown: Partial<Credentials>): Credentials {
	return {
		documentName: "doc",
		token: undefined,
		ticket: undefined,
		cookie: undefined,
		origin: undefined,
		address: undefined,
		...shown,
	} as Credentials;
}

async function outcome(authority: Authority, shown: Partial<Credentials>): Promise<string> {
	const verdict = await authority.judge(credentials(shown));
	return verdict.type === "granted" ? "granted" : verdict.reason;
}

/** What is signed and the signature, as bytes: base64url has several spellings for some. */
function meaning(token: string): string {
	const parts = token.split(".");
	const signature = Buffer.from(parts.pop() ?? "", "base64url").toString("hex");
	return [...parts, signature].join(".");
}

const encode = (value: unknown) =>
	Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

function signedHs256(head: unknown, claims: unknown, key: string | Buffer): string {
	const signed = `${encode(head)}.${encode(claims)}`;
	return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
}

test(`[ACC1] [TRN5] of ${rounds} tokens and tickets that were changed, none is good for anything, and none is more than refused`, async () => {
	const random = new Random(testSeed("credentials"));
	const rsa = makeKey("RS256");
	const jwt = new JwtAuthority({ secret: testSecret, publicKeys: rsa.publicPem });
	const tickets = new TicketAuthority({ secret: testSecret }, () => {});
	const real = [
		await signToken({ sub: "ann" }),
		await signToken({ sub: "bob" }, { key: rsa }),
		await signToken({ permissions: { "*": "write" } }),
	];
	const realTickets = Array.from({ length: 3 }, () =>
		signTicket(testSecret, { documentName: "doc", permission: "write", once: false }),
	);
	for (const token of real) expect(await outcome(jwt, { token })).toBe("granted");
	for (const ticket of realTickets) expect(await outcome(tickets, { ticket })).toBe("granted");
	const known = new Set([...real, ...realTickets].map(meaning));
	const changed = (from: readonly string[]) => {
		const all = from.map((text) => Buffer.from(text));
		return Buffer.from(mutate(random, random.pick(all), all)).toString("latin1");
	};
	for (let round = 0; round < rounds; round += 1) {
		const [token, ticket] = [changed(real), changed(realTickets)];
		if (!known.has(meaning(token))) expect(await outcome(jwt, { token }), token).not.toBe("granted");
		if (!known.has(meaning(ticket))) expect(await outcome(tickets, { ticket }), ticket).not.toBe("granted");
	}
});

test("[ACC1] [TRN5] a token can't choose how it is checked, nor be anything but a token", async () => {
	const rsa = makeKey("RS256");
	const jwt = new JwtAuthority({ publicKeys: rsa.publicPem });
	const secret = new JwtAuthority({ secret: testSecret });
	const claims = { sub: "eve", exp: Math.floor(Date.now() / 1_000) + 1_000 };
	const forged = [
		`${encode({ alg: "none" })}.${encode(claims)}.`,
		`${encode({ alg: "NONE" })}.${encode(claims)}.`,
		`${encode({ alg: "" })}.${encode(claims)}.`,
		// The public key as if it were a secret.
		signedHs256({ alg: "HS256" }, claims, rsa.publicPem),
		signedHs256({ alg: "HS256" }, claims, rsa.publicPem.trim()),
		signedHs256({ alg: "RS256" }, claims, rsa.publicPem),
		signedHs256({ alg: "HS256", kid: "../../../dev/null" }, claims, ""),
		signedHs256({ alg: "HS256", jwk: { kty: "oct", k: encode("x") } }, claims, "x"),
		signedHs256({ alg: "HS256", jku: "http://127.0.0.1:1/", x5u: "http://127.0.0.1:1/" }, claims, "x"),
		signedHs256('{"alg":"HS256","alg":"none"}', claims, "x"),
		signedHs256({ alg: ["HS256"] }, claims, testSecret),
		signedHs256({ alg: null }, claims, testSecret),
		signedHs256({ __proto__: null, alg: "HS256", crit: ["exp"] }, claims, testSecret),
		signedHs256({ alg: "HS256", b64: false, crit: ["b64"] }, claims, testSecret),
		signedHs256("null", claims, testSecret),
		signedHs256("[]", claims, testSecret),
		signedHs256("{", claims, testSecret),
		"",
		".",
		"..",
		"...",
		"a.b.c",
		"a.b.c.d.e",
		"\0",
		"\ud800",
		"🙂.🙂.🙂",
		".".repeat(10_000),
		"e30.e30.",
		"x".repeat(2_000_000),
		`${"e30.".repeat(5_000)}`,
	];
	for (const token of forged) {
		expect(await outcome(jwt, { token }), token.slice(0, 100)).not.toBe("granted");
		expect(await outcome(secret, { token }), token.slice(0, 100)).not.toBe("granted");
	}
	// Those who know the secret may say odd things, too; what can't be understood is not let in.
	const odd: readonly unknown[] = [
		null,
		[],
		"text",
		5,
		{ exp: "tomorrow" },
		{ exp: {} },
		{ exp: -1 },
		{ exp: Number.MAX_VALUE, nbf: Number.MAX_VALUE },
		{ nbf: "x" },
		{ iat: "x" },
		{ permissions: 5 },
		{ permissions: null },
		{ permissions: { doc: "everything" } },
		{ permissions: { "*": [] } },
		{ allowedDocumentNames: "doc" },
		{ allowedDocumentNames: [5] },
		{ allowedDocumentNames: ["other"] },
		{ readonlyDocumentNames: {} },
		{ permissions: JSON.parse('{"__proto__":"write","constructor":"write"}') },
	];
	for (const said of odd)
		expect(
			await outcome(secret, { token: signedHs256({ alg: "HS256" }, said, testSecret) }),
			JSON.stringify(said),
		).not.toBe("granted");
	const deep = `{"permissions":${'{"a":'.repeat(3_000)}1${"}".repeat(3_000)}}`;
	expect(await outcome(secret, { token: signedHs256({ alg: "HS256" }, deep, testSecret) })).not.toBe(
		"granted",
	);
});

test("[ACC1] [TRN5] whatever a webhook answers that is not a clear yes is no, within its time", async () => {
	const answers: readonly [number, string | Buffer, Record<string, string>?][] = [
		[200, ""],
		[200, "null"],
		[200, "[]"],
		[200, "{"],
		[200, '"write"'],
		[200, '{"access":"WRITE"}'],
		[200, '{"access":null}'],
		[200, '{"access":{}}'],
		[200, '{"access":["write"]}'],
		[200, '{"__proto__":{"access":"write"}}'],
		[200, '{"access":"write","user":"ann"}'],
		[200, '{"access":"write","user":{"id":5}}'],
		[200, '{"access":"write","expiresAt":"never"}'],
		[200, '{"access":"write","expiresAt":-1}'],
		[200, `{"access":"write","x":"${"x".repeat(1_000_000)}"}`],
		[200, `{"access":${"[".repeat(20_000)}`],
		[200, Buffer.from([0xff, 0xfe, 0])],
		[200, '{"access":"write"}', { "Content-Encoding": "gzip" }],
		[204, ""],
		[206, '{"access":"write"}'],
		[301, '{"access":"write"}', { Location: "/" }],
		[302, '{"access":"write"}', { Location: "http://127.0.0.1:1/" }],
		[307, "", { Location: "/" }],
		[401, '{"access":"write"}'],
		[418, '{"access":"write"}'],
		[500, '{"access":"write"}'],
		[503, ""],
	];
	let at = 0;
	const webhook = await startHttp((response) => {
		const [status, body, headers = {}] = answers[at] ?? [200, ""];
		response.writeHead(status, headers);
		response.end(body);
	});
	const authority = new WebhookAuthority({ url: webhook.url, cacheMs: 0, timeoutMs: 2_000 });
	for (; at < answers.length; at += 1)
		expect(await outcome(authority, { token: `${at}` }), String(answers[at])).not.toBe("granted");

	let open = 0;
	let openMax = 0;
	const silent = await startHttp(async (response) => {
		open += 1;
		openMax = Math.max(openMax, open);
		// Drops by drops, for longer than anybody waits.
		response.writeHead(200);
		const drip = setInterval(() => response.write(" "), 20);
		response.once("close", () => {
			open -= 1;
			clearInterval(drip);
		});
	});
	const patient = new WebhookAuthority({ url: silent.url, timeoutMs: 200, pendingMax: 20 });
	const storm = await Promise.all(
		Array.from({ length: 500 }, (_, index) => outcome(patient, { token: `${index}` })),
	);
	expect(new Set(storm)).toEqual(new Set(["auth-unavailable"]));
	expect(openMax).toBeLessThanOrEqual(20);
});
