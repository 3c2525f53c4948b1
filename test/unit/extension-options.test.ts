import { expect, test } from "vitest";
import { Auth } from "../../extensions/auth/index.ts";
import { Durability, SqliteStore } from "../../extensions/durability/index.ts";

const secret = "a secret that is long enough for HS256";

test.for([
	[{ jwtSecret: secret }, /^Auth has no option jwtSecret; there are jwt, webhook, /],
	[
		{ jwt: { secret, isuer: "https://login.example" } },
		/^jwt of Auth has no option isuer; there are .*issuer/,
	],
	[{ anonymous: { reads: ["public/*"] } }, /^anonymous of Auth has no option reads; there are read, write$/],
] as const)(
	"[ACC1] Auth refuses an option that nothing would ask, as %o has one: with a letter that is wrong it would let everybody in",
	([options, message]) => {
		expect(() => new Auth(options as never)).toThrow(message);
	},
);

test("Durability without a store and a store without a path say at once what they need", () => {
	for (const options of [undefined, {}, { store: undefined }])
		expect(() => new Durability(options as never)).toThrow(/^Durability needs a store: new Durability\(/);
	for (const options of [undefined, {}, { path: 5 }])
		expect(() => new SqliteStore(options as never)).toThrow(/^SqliteStore needs the path of a file/);
});
