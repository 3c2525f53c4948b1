import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfiguration } from "../../server/configuration.ts";
import { resolveNodeSettings, settings } from "../../server/settings.ts";
import { SettingsError } from "../../server/settings-error.ts";
import { UserError } from "../../server/user-error.ts";
import { runCommand } from "../support/command-line.ts";
import { mutate } from "../support/fuzz/mutate.ts";
import { Random, testSeed } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const rounds = Number(process.env.INDELIBLE_FUZZ_ROUNDS ?? 1_500);

const texts = [
	"",
	" ",
	"0",
	"-1",
	"1e999",
	"0x10",
	"NaN",
	"Infinity",
	"true",
	"false",
	"null",
	"undefined",
	"1,2",
	"99999999999999999999",
	"1.5",
	"\0",
	"\ud800",
	"🙂",
	"__proto__",
	"x".repeat(100_000),
	"http://",
	"http://[",
	"redis://[::",
	"postgres://%",
	"redis://:@/9999999999",
	"file:///",
	"//",
	"../../..",
	"*",
	"**",
	"a,*,,b",
	"-----BEGIN PUBLIC KEY-----",
	"{",
	"[]",
	"\n",
	"=",
	"1234",
];
const values: readonly unknown[] = [
	...texts,
	null,
	0,
	-1,
	1.5,
	Number.NaN,
	2 ** 53,
	-0,
	true,
	false,
	[],
	{},
	[[]],
	{ a: 1 },
	["x"],
	Number.MAX_VALUE,
];

/** What was said with an error; `undefined` when all is well. @throws what has no message for people. */
async function complaint(work: () => Promise<unknown>): Promise<string | undefined> {
	try {
		await work();
		return undefined;
	} catch (error) {
		if (error instanceof SettingsError || error instanceof UserError) return error.message;
		throw error;
	}
}

test(`[TRN5] ${rounds} configurations that were put together by chance are taken, or refused with a message`, async () => {
	const random = new Random(testSeed("settings"));
	const folder = temporaryFolder();
	let [taken, refused] = [0, 0];
	for (let round = 0; round < rounds; round += 1) {
		const some = () => Array.from({ length: random.below(3) }, () => random.pick(settings));
		const environment = Object.fromEntries(
			some().map(({ variable }) => [random.chance(0.9) ? variable : `${variable}X`, random.pick(texts)]),
		);
		const flags = Object.fromEntries(some().map(({ name }) => [name, random.pick([...texts, true])]));
		const file = Object.fromEntries(
			some().map(({ name }) => [random.chance(0.9) ? name : `${name}s`, random.pick(values)]),
		);
		const path = join(folder, `${round}.json`);
		writeFileSync(path, JSON.stringify(file));
		const said = await complaint(async () => {
			const { settings: given } = await loadConfiguration({ flags, environment, folder, file: path });
			const { port: _port, host: _host, ...rest } = given;
			expect(rest).toBeDefined();
		});
		if (said === undefined) taken += 1;
		else {
			refused += 1;
			expect(said).not.toMatch(/\bat .*\.ts|undefined is not|Cannot read|node_modules/);
			expect(said.length).toBeLessThan(20_000);
		}
		const direct = await complaint(async () => resolveNodeSettings(file as never));
		if (direct !== undefined) expect(direct).not.toMatch(/Cannot read/);
	}
	expect(taken).toBeGreaterThan(rounds / 50);
	expect(refused).toBeGreaterThan(rounds / 4);
});

test("[TRN5] files that are no configuration are refused with a message", async () => {
	const random = new Random(testSeed("configuration files"));
	const folder = temporaryFolder();
	const real = Buffer.from(
		JSON.stringify({ port: 1234, data: "./data", connectionsMax: 5, allowedOrigins: "https://example.com" }),
	);
	for (let round = 0; round < rounds / 5; round += 1) {
		const path = join(folder, `${round}.json`);
		writeFileSync(path, random.chance(0.2) ? random.bytes(random.below(100)) : mutate(random, real, [real]));
		const said = await complaint(() => loadConfiguration({ flags: {}, environment: {}, folder, file: path }));
		if (said !== undefined) expect(said).not.toMatch(/node_modules|Cannot read/);
	}
});

test.for([
	["a folder", undefined, "config.json"],
	["nothing", "", "indelible.config.json"],
	["a list", "[]", "indelible.config.json"],
	["text in the place of JSON", "port = 5", "indelible.config.json"],
	["code that throws", "throw new Error('mine')", "indelible.config.mjs"],
	["code that throws nothing", "throw undefined", "indelible.config.mjs"],
	["code that can't be read", "export default {", "indelible.config.mjs"],
	["no export", "export const x = 1", "indelible.config.mjs"],
	["a function", "export default () => ({})", "indelible.config.mjs"],
	[
		"a getter that throws",
		"export default { get port() { throw new Error('mine') } }",
		"indelible.config.mjs",
	],
	["a promise that is rejected", "export default Promise.reject(new Error('mine'))", "indelible.config.mjs"],
	["bytes", "\0\u0001\ufffd", "indelible.config.mjs"],
] as const)(
	"[TRN5] a configuration file that is %s is refused with a line that names it",
	async ([, text, name]) => {
		const folder = temporaryFolder();
		const path = join(folder, name);
		if (text === undefined) mkdirSync(path);
		else writeFileSync(path, text);
		const said = await complaint(() => loadConfiguration({ flags: {}, environment: {}, folder, file: path }));
		expect(said).toContain(name);
		expect(said).not.toMatch(/server\/\w+\.ts:\d+|node:internal/);
	},
);

test("[TRN5] a configuration file that throws whatever it likes ends the start with 2 and without a stack", async () => {
	const folder = temporaryFolder();
	const path = join(folder, "indelible.config.mjs");
	writeFileSync(path, "export default Promise.reject(undefined)");
	const { code, errors } = await runCommand(["start", "--config", path], { folder });
	expect({ code, errors }).toEqual({
		code: 2,
		errors: expect.stringMatching(/^indelible: .*indelible\.config\.mjs.*\n$/),
	});
});
