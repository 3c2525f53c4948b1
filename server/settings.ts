import { inspect } from "node:util";
import { z } from "zod";
import { parseRedisUrl } from "../extensions/redis/redis-url.ts";
import { authSettings, operatorSettings } from "./auth-settings.ts";
import { contentLimitSettings } from "./content-limit-settings.ts";
import { trafficSettings } from "./limit-settings.ts";
import { didYouMean, type SettingProblem, SettingsError } from "./settings-error.ts";
import { tracingSettings } from "./tracing-settings.ts";

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
const minuteMs = 60_000;

/** A whole number in bounds; `unit` is what it counts, for people. */
function whole(unit: string | undefined, min: number, max: number, initial: number, description: string) {
	return z.int().min(min).max(max).default(initial).meta({ description, unit });
}

/** What is wrong with a Redis URL, in words that hold nothing of it. */
function explainRedisUrl(url: string, { addIssue }: z.RefinementCtx): void {
	try {
		parseRedisUrl(url);
	} catch (error) {
		addIssue({ code: "custom", message: (error as Error).message });
	}
}

export const defaultData = "./data";

const storeSettings = {
	data: z
		.string()
		.min(1)
		.default(defaultData)
		.meta({ description: "folder of the database, made if it is missing; relative to the working folder" }),
	databaseUrl: z
		.string()
		.regex(/^postgres(ql)?:\/\/./)
		.optional()
		.meta({
			description: "PostgreSQL database for the documents, instead of a file in the data folder",
			allowed: "a URL like postgres://user:password@host:5432/database",
			secret: true,
		}),
	commitDelayMs: whole(
		"ms",
		0,
		1_000,
		0,
		"time that an edit waits for more before it is committed; saves disk writes, delays acknowledgements",
	),
	commitIntervalMs: whole(
		"ms",
		0,
		1_000,
		50,
		"longest time between two commits under load; while there is little to do, each edit is committed at once",
	),
	backlogBytesMax: whole(
		"bytes",
		1,
		64 * GiB,
		64 * MiB,
		"memory for edits that wait for a failing store; past it writers are sent away",
	),
};

const clusterSettings = {
	redisUrl: z.string().superRefine(explainRedisUrl).optional().meta({
		description: "Redis or Valkey through which nodes that share a database hear of each other",
		allowed:
			"a URL like redis://user:password@host:6379, redis+sentinel://host:26379,host:26379/name or redis+cluster://host:6379,host:6379, or with rediss for TLS",
		secret: true,
	}),
	redisPrefix: z.string().min(1).default("hocuspocus").meta({
		description: "beginning of the names of all Redis channels; nodes with the same one belong together",
	}),
};

const paceSettings = {
	flushIntervalMs: whole(
		"ms",
		0,
		1_000,
		80,
		"longest time for which edits wait for others' before they are sent on, in documents with many people",
	),
	readerBacklogBytesMax: whole(
		"bytes",
		KiB,
		GiB,
		MiB,
		"bytes that may wait for a slow client; past it, it gets nothing more until it has read them, and then the difference",
	),
	pingIntervalMs: whole("ms", 10, 10 * minuteMs, 30_000, "time between two pings of a client"),
	lingerMs: whole(
		"ms",
		0,
		60 * minuteMs,
		15_000,
		"time for which a document stays in memory after its last client has left, for whoever comes back; 0 for none",
	),
	lingerDocumentsMax: whole(
		undefined,
		0,
		1_000_000,
		1_000,
		"documents that may stay in memory so; past it, those that have stayed longest leave",
	),
	lingerBytesMax: whole(
		"bytes",
		0,
		64 * GiB,
		64 * MiB,
		"memory, roughly, for documents that stay so; past it, those that have stayed longest leave",
	),
};

const limitSettings = {
	connectionsMax: whole(
		undefined,
		1,
		1_000_000,
		10_000,
		"WebSockets open at a time; more are refused with 503",
	),
	loopDelayMsMax: whole(
		"ms",
		10,
		10 * minuteMs,
		1_000,
		"how late the event loop may be, for some seconds, before new sockets are refused with 503",
	),
	memoryBytesMax: whole(
		"bytes",
		0,
		1024 * GiB,
		0,
		"resident memory past which new sockets are refused with 503; 0 for 85 % of the container's or the machine's",
	),
	frameBytesMax: whole("bytes", KiB, GiB, 32 * MiB, "largest WebSocket message that a client may send"),
	documentNameBytesMax: whole("bytes", 1, 64 * KiB, KiB, "longest document name, in UTF-8"),
	authTimeoutMs: whole("ms", 10, 10 * minuteMs, 10_000, "time in which a client must have opened a document"),
	...trafficSettings,
	...contentLimitSettings,
};

const stopSettings = {
	drainWindowMs: whole(
		"ms",
		0,
		10 * minuteMs,
		2_000,
		"time over which sockets are closed at a stop; half of shutdownDeadlineMs at most",
	),
	shutdownDeadlineMs: whole("ms", 0, 60 * minuteMs, 20_000, "longest time that a stop may take"),
};

/** What only the command line needs, because an embedder brings an HTTP server and a logger. */
const commandSettings = {
	port: whole(undefined, 0, 65_535, 1234, "TCP port to listen on; 0 takes any free one"),
	host: z
		.string()
		.min(1)
		.default("127.0.0.1")
		.meta({ description: "address to listen on; 0.0.0.0 for all of this machine's" }),
	demo: z.boolean().default(true).meta({ description: "serve the demo editor" }),
	logLevel: z
		.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"])
		.default("info")
		.meta({ description: "least severe messages to log" }),
	logFormat: z
		.enum(["auto", "pretty", "json"])
		.default("auto")
		.meta({ description: "auto: pretty on a terminal, JSON lines otherwise" }),
	...operatorSettings,
};

/** What a node needs, wherever it runs. Bounds are those of sense: inside them it works. */
const nodeSettings = {
	...storeSettings,
	...clusterSettings,
	...authSettings,
	...limitSettings,
	...paceSettings,
	...stopSettings,
	...tracingSettings,
};

/** The chapters of docs/configuration.md. Each setting is in one of them. */
export const settingChapters = [
	{ title: "The process", names: Object.keys(commandSettings) },
	{ title: "Where documents are kept", names: Object.keys(storeSettings) },
	{ title: "Several nodes", names: Object.keys(clusterSettings) },
	{ title: "Who may do what", names: Object.keys(authSettings) },
	{ title: "What is too much", names: Object.keys(limitSettings) },
	{ title: "Pace", names: Object.keys(paceSettings) },
	{ title: "Stopping", names: Object.keys(stopSettings) },
	{ title: "Traces", names: Object.keys(tracingSettings) },
] as const;

const nodeSettingsSchema = z.strictObject(nodeSettings);
/** Every setting. Flags, environment variables, configuration keys and the help text are derived from it. */
const settingsSchema = z.strictObject({ ...commandSettings, ...nodeSettings });

export type NodeSettings = Readonly<z.output<typeof nodeSettingsSchema>>;
export type Settings = Readonly<z.output<typeof settingsSchema>>;
export type SettingName = keyof Settings;

/** A setting, for people and for whatever turns text into values. */
export interface Setting {
	readonly name: SettingName;
	/** `--drain-window-ms` */
	readonly flag: string;
	/** `INDELIBLE_DRAIN_WINDOW_MS` */
	readonly variable: string;
	readonly type: "integer" | "boolean" | "string";
	readonly description: string;
	/** What is allowed, to be read after "must be". */
	readonly allowed: string;
	readonly initial: string | number | boolean | undefined;
	/** Whether its value may hold a password, and is not to be shown. */
	readonly isSecret: boolean;
	/** The default as people write it: `32 MiB`. */
	readonly initialText: string;
	/** {@link allowed} with bounds as people write them: `1 KiB to 1 GiB`. */
	readonly allowedText: string;
}

/** What Zod's JSON Schema says of one of our settings. */
interface PropertySchema {
	readonly type: Setting["type"];
	readonly description: string;
	readonly default?: Setting["initial"];
	readonly unit?: string;
	/** Instead of what the type says of it. */
	readonly allowed?: string;
	readonly secret?: boolean;
	readonly minimum?: number;
	readonly maximum?: number;
	readonly enum?: readonly string[];
}

const { properties = {} } = z.toJSONSchema(settingsSchema, { io: "input" });

export const settings: readonly Setting[] = Object.entries(properties).map(([name, property]) => {
	const schema = property as unknown as PropertySchema;
	const words = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
	return {
		name: name as SettingName,
		flag: `--${words}`,
		variable: `INDELIBLE_${words.replaceAll("-", "_").toUpperCase()}`,
		type: schema.type,
		description: schema.description,
		allowed: allowed(schema),
		initial: schema.default,
		isSecret: schema.secret === true,
		initialText: quantity(schema.default, schema.unit),
		allowedText: allowedText(schema),
	};
});

const settingByName: ReadonlyMap<string, Setting> = new Map(
	settings.map((setting) => [setting.name, setting]),
);

/** @returns What is wrong with a value, to be read after its name; `undefined` when nothing is. */
export function problemWith(name: SettingName, value: unknown): string | undefined {
	const { error } = settingsSchema.shape[name].safeParse(value);
	if (error === undefined && value !== undefined) return undefined;
	const setting = settingByName.get(name);
	const found = setting?.isSecret ? "" : `is ${asWritten(value)}, but `;
	// Whoever has nothing to add is given a message that says nothing.
	const hasWords = ({ code, message }: z.core.$ZodIssue) => code === "custom" && message !== "Invalid input";
	const [why] = error?.issues.filter(hasWords) ?? [];
	return `${found}must be ${setting?.allowed}${why === undefined ? "" : `: ${cut(why.message)}`}`;
}

/** Characters of a value in a message. */
const writtenMax = 200;

/** Any value whatever, in one line; `JSON.stringify` refuses some and hides others. */
export function asWritten(value: unknown): string {
	const written =
		typeof value === "string"
			? JSON.stringify(value)
			: inspect(value, { depth: 0, breakLength: Number.POSITIVE_INFINITY });
	return cut(written);
}

function cut(text: string): string {
	return text.length <= writtenMax ? text : `${text.slice(0, writtenMax)}…`;
}

/** For {@link resolveNodeSettings}: of the options that only code can say, which are none of its own. */
export interface OtherOptions {
	readonly names: readonly string[];
	/** What is wrong with those that were given. */
	readonly problems: readonly SettingProblem[];
}

/** Where a node in a server of one's own is told what it is to do. */
export const theOptions = "the options of createNode";

/**
 * Fills in the defaults of a node's options; `undefined` stands for the default.
 * @throws {SettingsError} that lists every unknown or impossible one, the others' problems too.
 */
export function resolveNodeSettings(
	given: Partial<NodeSettings>,
	others: OtherOptions = { names: [], problems: [] },
): NodeSettings {
	const names = Object.keys(nodeSettings);
	const problems: SettingProblem[] = [];
	const values: Record<string, unknown> = {};
	for (const [name, value] of Object.entries(given)) {
		if (value === undefined) continue;
		const problem = names.includes(name)
			? problemWith(name as SettingName, value)
			: unknownToNodes(name, [...names, ...others.names]);
		if (problem === undefined) values[name] = value;
		else problems.push({ where: theOptions, name, problem });
	}
	problems.push(...others.problems);
	if (problems.length > 0) throw new SettingsError(problems);
	return nodeSettingsSchema.parse(values);
}

function unknownToNodes(name: string, names: readonly string[]): string {
	const isOfStart = settings.some((setting) => setting.name === name);
	if (isOfStart) return "is a setting of `indelible start`: in a server of your own it is up to that server";
	return `is unknown${didYouMean(name, names)}`;
}

/** Settings from values that were checked one by one, and defaults for the others. */
export function fillSettings(values: Partial<Record<SettingName, unknown>>): Settings {
	return settingsSchema.parse(values);
}

function allowed({ type, enum: choices, minimum = 0, maximum = 0, unit, ...rest }: PropertySchema): string {
	if (rest.allowed !== undefined) return rest.allowed;
	if (choices !== undefined) return `one of ${choices.join(", ")}`;
	if (type === "boolean") return "true or false";
	if (type === "string") return "a text that is not empty";
	return `a whole number from ${minimum} to ${maximum}${unit === undefined ? "" : ` (${unit})`}`;
}

function allowedText(schema: PropertySchema): string {
	const { type, minimum = 0, maximum = 0, unit } = schema;
	if (type !== "integer") return allowed(schema);
	return `${quantity(minimum, unit)} to ${quantity(maximum, unit)}`;
}

function quantity(value: Setting["initial"], unit: string | undefined): string {
	if (value === undefined) return "none";
	if (typeof value !== "number" || unit === undefined) return String(value);
	if (unit !== "bytes") return `${value} ${unit}`;
	if (value < KiB) return value === 1 ? "1 byte" : `${value} bytes`;
	if (value >= GiB) return `${value / GiB} GiB`;
	return value >= MiB ? `${value / MiB} MiB` : `${value / KiB} KiB`;
}
