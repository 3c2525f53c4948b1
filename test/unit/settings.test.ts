import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { defaultContentLimits } from "../../extensions/limits/content/content-defaults.ts";
import { defaultLimits } from "../../extensions/limits/defaults.ts";
import { refusalOf } from "../../server/auth-options.ts";
import { type ConfigurationSources, defineConfig, loadConfiguration } from "../../server/configuration.ts";
import { asGiven } from "../../server/given-settings.ts";
import { createNode } from "../../server/index.ts";
import { settings } from "../../server/settings.ts";
import { didYouMean, type SettingProblem, SettingsError, theSettings } from "../../server/settings-error.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

interface Given extends Partial<ConfigurationSources> {
	/** Files to write into the folder first, by name. */
	readonly files?: Readonly<Record<string, string>>;
}

async function load({ files = {}, ...sources }: Given = {}) {
	const folder = temporaryFolder();
	for (const [name, text] of Object.entries(files)) {
		mkdirSync(dirname(join(folder, name)), { recursive: true });
		writeFileSync(join(folder, name), text);
	}
	return { folder, ...(await loadConfiguration({ flags: {}, environment: {}, folder, ...sources })) };
}

/** What is wrong, without the random folder in front of file names. */
async function problemsOf(given: Given): Promise<readonly SettingProblem[]> {
	try {
		await load(given);
	} catch (error) {
		if (!(error instanceof SettingsError)) throw error;
		return error.problems.map((problem) => ({
			...problem,
			where: problem.where.replace(/^.*\/indelible-\w+\//, ""),
		}));
	}
	return [];
}

const aFileThatSays = (settings: object) => ({ "indelible.config.json": JSON.stringify(settings) });

describe("which source wins", () => {
	test("nothing said: the defaults, and no file", async () => {
		const { settings, file } = await load();
		expect(file).toBeUndefined();
		expect(settings).toEqual({
			port: 1234,
			host: "127.0.0.1",
			data: "./data",
			demo: true,
			logLevel: "info",
			logFormat: "auto",
			frameBytesMax: 32 * 1024 * 1024,
			connectionsMax: 10_000,
			loopDelayMsMax: 1_000,
			memoryBytesMax: 0,
			backlogBytesMax: 64 * 1024 * 1024,
			commitDelayMs: 0,
			commitIntervalMs: 50,
			flushIntervalMs: 80,
			lingerMs: 15_000,
			lingerDocumentsMax: 1_000,
			lingerBytesMax: 64 * 1024 * 1024,
			readerBacklogBytesMax: 1024 * 1024,
			documentNameBytesMax: 1024,
			pingIntervalMs: 30_000,
			authTimeoutMs: 10_000,
			drainWindowMs: 2_000,
			redisPrefix: "hocuspocus",
			shutdownDeadlineMs: 20_000,
			traceOneIn: 100,
			requireAuth: false,
			authClockToleranceMs: 5_000,
			authDefaultAccess: "write",
			authWebhookTimeoutMs: 5_000,
			authWebhookCacheMs: 5_000,
			authExpiry: "close",
			stampPresence: true,
			...defaultLimits,
			...defaultContentLimits,
			shedIdleMs: 120_000,
		});
	});

	test("a flag wins over the environment, that over the file, that over the default; each setting by itself", async () => {
		const files = aFileThatSays({ port: 3, host: "file", data: "file" });
		const environment = { INDELIBLE_PORT: "2", INDELIBLE_HOST: "environment" };
		const { settings, folder, file } = await load({ files, environment, flags: { port: "1" } });
		expect(settings).toMatchObject({ port: 1, host: "environment", data: "file", logLevel: "info" });
		expect(file).toBe(join(folder, "indelible.config.json"));
	});

	test("what a node finds fault with is named as it was given", async () => {
		const files = aFileThatSays({ requireAuth: true, redisUrl: "redis://a" });
		const environment = { INDELIBLE_REDIS_URL: "redis://b" };
		const {
			origins,
			folder,
			settings: given,
		} = await load({ files, environment, flags: { tlsKey: "key.pem" } });
		const said = (error: unknown) => (asGiven(error, origins) as Error).message;
		const file = join(folder, "indelible.config.json");
		const refusal = said(refusalOf(given, true));
		expect(refusal).toContain(`requireAuth (from ${file}) is set`);
		expect(refusal).toContain("give authJwtSecret, ");
		const problem = "goes with redisUrl";
		const others = ["redisUrl"];
		const about = (name: string) => new SettingsError([{ where: theSettings, name, problem, others }]);
		expect(said(about("redisUrl"))).toBe(
			"INDELIBLE_REDIS_URL (from the environment) goes with INDELIBLE_REDIS_URL",
		);
		expect(said(about("tlsKey"))).toBe("--tls-key (from the command line) goes with --redis-url");
		expect(said(about("tlsCert"))).toBe("tlsCert (from the settings) goes with redisUrl");
		expect(said(new TypeError("any other"))).toBe("any other");
	});

	test("a wrong value is named even where another source wins", async () => {
		const problems = await problemsOf({ files: aFileThatSays({ port: "many" }), flags: { port: "1" } });
		expect(problems.map(({ name }) => name)).toEqual(["port"]);
	});

	test("the file that is named wins over INDELIBLE_CONFIG, that over the one that lies in the folder", async () => {
		const files = {
			"flag.json": `{ "port": 1 }`,
			"deep/environment.json": `{ "port": 2 }`,
			...aFileThatSays({ port: 3 }),
		};
		const environment = { INDELIBLE_CONFIG: "deep/environment.json" };
		expect((await load({ files, environment, file: "flag.json" })).settings.port).toBe(1);
		expect((await load({ files, environment })).settings.port).toBe(2);
		expect((await load({ files, environment: { INDELIBLE_CONFIG: "" } })).settings.port).toBe(3);
	});

	test("variables without the prefix are nobody's business", async () => {
		expect((await load({ environment: { PORT: "99", MY_INDELIBLE_PORT: "98" } })).settings.port).toBe(1234);
	});
});

describe("what a file may be", () => {
	test.for([
		["indelible.config.ts", `const port: number = 7; export default { port };`],
		["indelible.config.mts", `export default { port: 7 as number };`],
		["indelible.config.js", `export default { port: 7 };`],
		["indelible.config.mjs", `export default { port: 7 };`],
		["indelible.config.json", `{ "port": 7 }`],
	])("%s is found", async ([name = "", text = ""]) => {
		const { settings, file, folder } = await load({
			files: { "package.json": `{"type":"module"}`, [name]: text },
		});
		expect(settings.port).toBe(7);
		expect(file).toBe(join(folder, name));
	});

	test("hooks, extensions, seed, thresholds and Y.Doc's options are handed on as they are", async () => {
		const text = `export const extension = { priority: 5, async onChange() {} };
			export default {
				port: 7, extensions: [extension], seed: async () => undefined, onAuthenticate: async () => ({ user: 1 }),
				onStoreDocument: undefined, compaction: { idleMs: 5 }, yDocOptions: { gc: false },
			};`;
		const { code, settings } = await load({ files: { "indelible.config.mjs": text } });
		expect(settings.port).toBe(7);
		expect(code).toEqual({
			extensions: [{ priority: 5, onChange: expect.any(Function) }],
			seed: expect.any(Function),
			onAuthenticate: expect.any(Function),
			compaction: { idleMs: 5 },
			yDocOptions: { gc: false },
		});
	});

	test.for([
		["does not exist", { file: "nowhere.json" }, /^does not exist$/],
		["is no JSON", { files: { "indelible.config.json": "{ port: 1 }" } }, /^can't be read: .*JSON/],
		[
			"throws",
			{ files: { "indelible.config.mjs": "throw new Error('no database')" } },
			/^can't be read: no database \(line 1\)$/,
		],
		["is a list", { files: { "indelible.config.json": "[1]" } }, /^must have an object of settings/],
		[
			"exports nothing",
			{ files: { "indelible.config.mjs": "export const port = 1;" } },
			/^must have an object of settings/,
		],
	] as const)("one that %s is named", async ([, given, problem]) => {
		expect(await problemsOf(given)).toEqual([
			{ where: expect.any(String), name: "the configuration file", problem: expect.stringMatching(problem) },
		]);
	});

	test("defineConfig gives it a type and changes nothing", () => {
		const config = { port: 7, onAuthenticate: async () => ({ user: 1 }), seed: async () => undefined };
		expect(defineConfig(config)).toBe(config);
		// @ts-expect-error: a setting that does not exist
		defineConfig({ prot: 7 });
		// @ts-expect-error: a text is no number
		defineConfig({ port: "7" });
	});
});

describe("what can't be right", () => {
	test("everything is named at once: where, what it is, what is allowed", async () => {
		const problems = await problemsOf({
			flags: { port: "65536", logLevel: "loud" },
			environment: { INDELIBLE_DRAIN_WINDOW_MS: "2s", INDELIBLE_DEMO: "maybe", INDELIBLE_DATA: "" },
			files: aFileThatSays({ connectionsMax: 0, host: 7, demo: "yes" }),
		});
		expect(problems).toEqual([
			{
				where: "indelible.config.json",
				name: "connectionsMax",
				problem: "is 0, but must be a whole number from 1 to 1000000",
			},
			{ where: "indelible.config.json", name: "host", problem: "is 7, but must be a text that is not empty" },
			{ where: "indelible.config.json", name: "demo", problem: `is "yes", but must be true or false` },
			{
				where: "the environment",
				name: "INDELIBLE_DRAIN_WINDOW_MS",
				problem: `is "2s", but must be a whole number from 0 to 600000 (ms)`,
			},
			{ where: "the environment", name: "INDELIBLE_DEMO", problem: `is "maybe", but must be true or false` },
			{
				where: "the environment",
				name: "INDELIBLE_DATA",
				problem: `is "", but must be a text that is not empty`,
			},
			{
				where: "the command line",
				name: "--port",
				problem: "is 65536, but must be a whole number from 0 to 65535",
			},
			{
				where: "the command line",
				name: "--log-level",
				problem: `is "loud", but must be one of trace, debug, info, warn, error, fatal, silent`,
			},
		]);
	});

	test.for([
		["INDELIBLE_PROT", "; did you mean INDELIBLE_PORT?"],
		["INDELIBLE_FRAME_BYTE_MAX", "; did you mean INDELIBLE_FRAME_BYTES_MAX?"],
		["INDELIBLE_CONFGI", "; did you mean INDELIBLE_CONFIG?"],
		["INDELIBLE_REDIS_PASSWORD_FILE", ""],
	])("the variable %s is unknown%s", async ([name = "", hint = ""]) => {
		expect(await problemsOf({ environment: { [name]: "1" } })).toEqual([
			{ where: "the environment", name, problem: `is unknown${hint}` },
		]);
	});

	test.for([
		["prot", "; did you mean port?"],
		["drainwindowms", "; did you mean drainWindowMs?"],
		["extension", "; did you mean extensions?"],
		["onAuthentication", "; did you mean onAuthenticate?"],
		["constructor", ""],
		["redys", "; did you mean redis?"],
	])("the key %s is unknown%s", async ([name = "", hint = ""]) => {
		expect(await problemsOf({ files: aFileThatSays({ [name]: 1 }) })).toEqual([
			{ where: "indelible.config.json", name, problem: `is unknown${hint}` },
		]);
	});

	test.for([
		["port: 10n", "is 10n, but must be a whole number"],
		["port: NaN", "is NaN, but must be a whole number"],
		["port: 1.5", "is 1.5, but must be a whole number"],
		["port: null", "is null, but must be a whole number"],
		["host: { a: { b: 1 } }", "is { a: [Object] }, but must be a text"],
		["onAuthenticate: true", "is true, but must be a function"],
		["seed: 'text'", `is "text", but must be a function`],
		["extensions: {}", "is {}, but must be a list of Hocuspocus extensions"],
		["extensions: [undefined]", "is [ undefined ], but must be a list of Hocuspocus extensions"],
		["compaction: { idle: 5 }", "is { idle: 5 }, but must be an object of busyBytesMin"],
		["compaction: { idleMs: -5 }", "is { idleMs: -5 }, but must be an object of busyBytesMin"],
		["yDocOptions: 1", "is 1, but must be an object of Y.Doc's options"],
	])("`%s` in a file of code %s", async ([line = "", problem]) => {
		const name = line.slice(0, line.indexOf(":"));
		expect(await problemsOf({ files: { "indelible.config.mjs": `export default { ${line} };` } })).toEqual([
			{ where: "indelible.config.mjs", name, problem: expect.stringContaining(problem ?? "") },
		]);
	});

	test.for([
		[" 8080 ", 8080],
		["+80", 80],
		["0", 0],
	])("a number is taken as people write it: %j", async ([text, port]) => {
		expect((await load({ environment: { INDELIBLE_PORT: String(text) } })).settings.port).toBe(port);
	});

	test.for(["", " ", "0x50", "8e1", "80.0", "99999999999999999999", "1,234", "eighty"])(
		"and %j is no number for a port",
		async (text) => {
			expect(await problemsOf({ environment: { INDELIBLE_PORT: text } })).toHaveLength(1);
		},
	);

	test.for([
		["true", true],
		["1", true],
		["Yes", true],
		["off", false],
		["0", false],
		["FALSE", false],
	] as const)("a switch is taken as people write it: %s", async ([text, demo]) => {
		expect((await load({ environment: { INDELIBLE_DEMO: text } })).settings.demo).toBe(demo);
	});

	test("the message is one line for each, which says where", async () => {
		const error = await load({ flags: { port: "x" }, environment: { INDELIBLE_PROT: "1" } }).catch((e) => e);
		expect(error.message.split("\n")).toEqual([
			"INDELIBLE_PROT (from the environment) is unknown; did you mean INDELIBLE_PORT?",
			`--port (from the command line) is "x", but must be a whole number from 0 to 65535`,
		]);
	});

	test("createNode names what is unknown or impossible among its options, before it touches the disk", async () => {
		const options = { data: join(temporaryFolder(), "never"), pingInterval: 5, authTimeoutMs: -1, port: 1 };
		const error = await createNode(options).catch((e) => e);
		expect(error).toBeInstanceOf(SettingsError);
		expect(error.problems.map(({ name, problem }: SettingProblem) => `${name} ${problem}`)).toEqual([
			"pingInterval is unknown; did you mean pingIntervalMs?",
			"authTimeoutMs is -1, but must be a whole number from 10 to 600000 (ms)",
			expect.stringMatching(/^port is a setting of `indelible start`/),
		]);
	});

	test("createNode refuses a hook that is no function, or has a name that is nearly one, and the rest that only code can say", async () => {
		const options = {
			data: join(temporaryFolder(), "never"),
			onAuthenticate: Promise.resolve(),
			onAuthentcate: () => {},
			extensions: {},
			seed: "text",
			store: { path: "x" },
			logger: console.log,
			onLimitEvent: undefined,
		};
		const error = await createNode(options as never).catch((e) => e);
		expect(error).toBeInstanceOf(SettingsError);
		expect(error.problems.map(({ name, problem }: SettingProblem) => `${name} ${problem}`)).toEqual([
			"onAuthentcate is unknown; did you mean onAuthenticate?",
			"onAuthenticate is Promise { undefined }, but must be a function",
			"extensions is {}, but must be a list of Hocuspocus extensions",
			'seed is "text", but must be a function',
			expect.stringMatching(/^store is .*, but must be a store, such as new SqliteStore\(\{ path \}\)$/),
			expect.stringMatching(/^logger is .*, but must be a logger with debug, info, warn and error$/),
		]);
	});
});

test("every setting has a flag, a variable, a description and a default that it allows", async () => {
	for (const { name, flag, variable, description, initial } of settings) {
		expect(flag).toMatch(/^--[a-z]+(-[a-z]+)*$/);
		expect(variable).toMatch(/^INDELIBLE_[A-Z]+(_[A-Z]+)*$/);
		expect(description).not.toBe("");
		const loaded = await load({ environment: initial === undefined ? {} : { [variable]: String(initial) } });
		expect(loaded.settings[name]).toBe(initial);
	}
});

test("a database URL that can't be right is refused without showing it", async () => {
	const databaseUrl = "mysql://boss:secret@db/app";
	const ways = [
		load({ flags: { databaseUrl } }),
		load({ environment: { INDELIBLE_DATABASE_URL: databaseUrl } }),
		load({ files: aFileThatSays({ databaseUrl }) }),
		createNode({ databaseUrl }),
	];
	for (const way of ways) {
		const error = await way.catch((thrown) => thrown);
		expect(error).toBeInstanceOf(SettingsError);
		expect(error.message).toMatch(/ must be a URL like postgres:/);
		expect(error.message).not.toContain("secret");
	}
});

test.for([
	["prot", ["port", "host"], "; did you mean port?"],
	["PORT", ["port"], "; did you mean port?"],
	["completely-else", ["port"], ""],
	["", [], ""],
] as const)("for %j among %j: %j", ([written, candidates, hint]) => {
	expect(didYouMean(written, candidates)).toBe(hint);
});
