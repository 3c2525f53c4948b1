import { describe, expect, test } from "vitest";
import { accessByClaims } from "../../extensions/auth/claims.ts";
import { isAtLeast } from "../../extensions/auth/client-version.ts";
import { ExpiringMap } from "../../extensions/auth/expiring-map.ts";
import { isOriginAllowed } from "../../extensions/auth/origin.ts";
import { matches } from "../../extensions/auth/pattern.ts";
import { Revocations } from "../../extensions/auth/revocations.ts";
import { claimsSchema } from "../../extensions/auth/schemas.ts";

test.for([
	["a", "a", true],
	["a", "b", false],
	["a", "A", false],
	["*", "", true],
	["*", "any/thing at all", true],
	["team/*", "team/a/b", true],
	["team/*", "team/", true],
	["team/*", "team", false],
	["*-draft", "x-draft", true],
	["*-draft", "x-draft-2", false],
	["a*b*c", "a1b2c", true],
	["a*b*c", "abc", true],
	["a*b*c", "acb", false],
	["ab*ba", "aba", false],
	["*a*a*", "a", false],
	["**", "x", true],
	[".*", "x", false],
	["a?", "ab", false],
] as const)("the pattern %s and the name %s: %s", ([pattern, name, expected]) => {
	expect(matches(pattern, name)).toBe(expected);
});

test("a pattern that a regular expression would choke on is quick", () => {
	const startMs = performance.now();
	expect(matches(`${"*a".repeat(500)}b`, "a".repeat(1_000))).toBe(false);
	expect(performance.now() - startMs).toBeLessThan(2_000);
});

const access = (claims: unknown, name: string) => {
	const { level, ...rest } = accessByClaims(claimsSchema.parse(claims), name);
	return "roots" in rest ? [...rest.roots] : level;
};

describe("what claims allow", () => {
	test.for([
		["no claim about documents: all", {}, "x", "write"],
		["allowed ones", { allowedDocumentNames: ["a", "team/*"] }, "team/1", "write"],
		["others than those", { allowedDocumentNames: ["a", "team/*"] }, "b", "none"],
		["none at all", { allowedDocumentNames: [] }, "b", "none"],
		["read-only ones", { allowedDocumentNames: ["a"], readonlyDocumentNames: ["b"] }, "b", "read"],
		[
			"both allowed and read-only: read",
			{ allowedDocumentNames: ["*"], readonlyDocumentNames: ["b"] },
			"b",
			"read",
		],
		["only read-only ones named, another", { readonlyDocumentNames: ["b"] }, "c", "write"],
		["permissions", { permissions: { "a/*": "read" } }, "a/1", "read"],
		["permissions for others", { permissions: { "a/*": "read" } }, "b", "none"],
		["the longer pattern", { permissions: { "*": "read", "team/*": "write" } }, "team/1", "write"],
		["the name before patterns", { permissions: { "team/*": "write", "team/1": "none" } }, "team/1", "none"],
		["equally specific: the lesser", { permissions: { "te*": "write", "*m1": "read" } }, "team1", "read"],
		["some roots", { permissions: { "*": { write: ["comments"] } } }, "a", ["comments"]],
		["no roots: read", { permissions: { "*": { write: [] } } }, "a", "read"],
		[
			"equally specific roots: those in both",
			{ permissions: { "te*": { write: ["a", "b"] }, "*m1": { write: ["b", "c"] } } },
			"team1",
			["b"],
		],
		["permissions before names", { permissions: { a: "none" }, allowedDocumentNames: ["*"] }, "a", "none"],
		[
			"names where no permission matches",
			{ permissions: { a: "none" }, allowedDocumentNames: ["b"] },
			"b",
			"write",
		],
	] as const)("%s", ([, claims, name, expected]) => {
		expect(access(claims, name)).toEqual(expected);
	});

	test("a document that is called __proto__ has its own permission", () => {
		const claims: unknown = JSON.parse('{"permissions": {"*": "write", "__proto__": "none"}}');
		expect(access(claims, "__proto__")).toBe("none");
	});

	test.for([
		["a permission that is none", { permissions: { a: "admin" } }],
		["a list of permissions", { permissions: ["read:all"] }],
		["names that are no list", { allowedDocumentNames: "a" }],
		["a subject that is a number", { sub: 7 }],
		["an unknown kind of limit", { permissions: { a: { write: ["x"], delete: false } } }],
		["a flood of patterns", { allowedDocumentNames: Array.from({ length: 1_001 }, String) }],
	] as const)("%s: the token is not understood", ([, claims]) => {
		expect(claimsSchema.safeParse(claims).success).toBe(false);
	});
});

test.for([
	["4.2.0", "4.2", true],
	["4.1.9", "4.2", false],
	["4.10.0", "4.2", true],
	["4.2.1-rc.1", "4.2.1", true],
	["3.9.9", "4", false],
	[null, "0", false],
	["", "0", false],
	["new", "0", false],
] as const)("version %s, at least %s: %s", ([version, minimum, expected]) => {
	expect(isAtLeast(version, minimum)).toBe(expected);
});

test("origins: those on the list, whatever their case, and programs that have none", () => {
	const allowed = ["https://app.example", "https://*.team.example"];
	const isAllowed = (origin: string | undefined) =>
		isOriginAllowed({ headers: origin === undefined ? {} : { origin }, localAddress: "10.0.0.1" }, allowed);
	for (const origin of [undefined, "https://app.example", "https://APP.example", "https://a.team.example"])
		expect(isAllowed(origin), origin).toBe(true);
	for (const origin of ["null", "http://app.example", "https://app.example.evil", "https://team.example"])
		expect(isAllowed(origin), origin).toBe(false);
});

test.for([
	["the node's own page", "http://localhost:1234", { host: "localhost:1234" }, "127.0.0.1", true],
	["a development server", "http://localhost:5173", { host: "127.0.0.1:1234" }, "127.0.0.1", true],
	["the address for all addresses", "http://0.0.0.0:1234", { host: "0.0.0.0:1234" }, "127.0.0.1", true],
	["a foreign page to it", "https://evil.example", { host: "0.0.0.0:1234" }, "127.0.0.1", false],
	["over IPv6", "http://[::1]:1234", { host: "[::1]:1234" }, "::1", true],
	["in a subdomain of localhost", "http://app.localhost:3000", { host: "localhost:1234" }, "127.0.0.1", true],
	["the same host", "https://docs.example", { host: "docs.example" }, "10.0.0.1", true],
	[
		"the same host, another port",
		"http://docs.example:3000",
		{ host: "DOCS.example:1234" },
		"10.0.0.1",
		true,
	],
	[
		"an address of the network",
		"http://192.168.1.5:1234",
		{ host: "192.168.1.5:1234" },
		"::ffff:192.168.1.5",
		true,
	],
	[
		"behind a proxy here",
		"https://docs.example",
		{ host: "docs.example", "x-forwarded-for": "192.0.2.1" },
		"127.0.0.1",
		true,
	],
	[
		"behind a proxy that changes Host",
		"https://docs.example",
		{ host: "upstream", "x-forwarded-host": "docs.example" },
		"127.0.0.1",
		true,
	],
	["a foreign page", "https://evil.example", { host: "localhost:1234" }, "127.0.0.1", false],
	["a foreign page, in the open", "https://evil.example", { host: "docs.example" }, "10.0.0.1", false],
	[
		"a name that looks like it",
		"https://localhost.evil.example",
		{ host: "localhost:1234" },
		"127.0.0.1",
		false,
	],
	["a name that begins like it", "https://127.0.0.1.evil.example", { host: "localhost" }, "127.0.0.1", false],
	["a name that points here", "http://evil.example:1234", { host: "evil.example:1234" }, "127.0.0.1", false],
	[
		"a name that points here, mapped",
		"http://evil.example",
		{ host: "evil.example" },
		"::ffff:127.0.0.1",
		false,
	],
	["a frame without an origin", "null", { host: "localhost:1234" }, "127.0.0.1", false],
	["a file", "file://", { host: "localhost:1234" }, "127.0.0.1", false],
	["no host", "http://localhost", {}, "127.0.0.1", false],
	["a host that is none", "http://a", { host: 'a b"' }, "10.0.0.1", false],
] as const)("same-host: %s", ([, origin, headers, localAddress, expected]) => {
	expect(isOriginAllowed({ headers: { ...headers, origin }, localAddress }, ["same-host"])).toBe(expected);
	expect(isOriginAllowed({ headers, localAddress }, ["same-host"])).toBe(true);
});

test("what expires makes room, and what does not, does not", () => {
	const map = new ExpiringMap<string>(2);
	expect(map.set("a", "1", 100, 0)).toBe(true);
	expect(map.set("b", "2", 9_000, 0)).toBe(true);
	expect(map.set("c", "3", 9_000, 50)).toBe(false);
	expect(map.get("a", 50)).toBe("1");
	expect(map.get("a", 100)).toBeUndefined();
	expect(map.set("c", "3", 9_000, 2_000)).toBe(true);
	expect(map.get("b", 2_000)).toBe("2");
	expect(map.size).toBe(2);
});

test("a revocation ends what was made out before it, for whom it names", () => {
	const revocations = new Revocations(1_000_000);
	const of = (userId: string | undefined, documentName: string, issuedAtMs?: number) =>
		revocations.actionFor({ userId, documentName, issuedAtMs }, 2_000);
	revocations.add({ user: "ann", action: "close", atMs: 1_000 }, 1_000);
	revocations.add({ document: "doc", action: "readonly", atMs: 1_500 }, 1_500);
	revocations.add({ user: "bob", document: "doc", action: "close", atMs: 1_500 }, 1_500);
	expect(of("ann", "x", 1_000)).toBe("close");
	expect(of("ann", "x")).toBe("close");
	expect(of("ann", "x", 1_001)).toBeUndefined();
	expect(of("ann", "doc", 1_200)).toBe("readonly");
	expect(of("bob", "doc", 1_200)).toBe("close");
	expect(of("bob", "x", 1_200)).toBeUndefined();
	expect(of(undefined, "doc", 1_600)).toBeUndefined();
	expect(revocations.add({ user: "ann", action: "close", atMs: 900 }, 2_000)).toBe("known");
});
