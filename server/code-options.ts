import { z } from "zod";
import type { CompactionThresholds } from "../extensions/durability/index.ts";
import { hookNames, isHookName } from "./hooks.ts";
import { asWritten } from "./settings.ts";

interface CodeOption {
	readonly schema: z.ZodType;
	/** To be read after "must be". */
	readonly allowed: string;
}

const aFunction: CodeOption = {
	schema: z.custom((value) => typeof value === "function"),
	allowed: "a function",
};
const threshold = z.number().min(0).optional();

/** What each option must be that only code can say, beside the hooks. */
const inFiles: Readonly<Record<string, CodeOption>> = {
	extensions: {
		schema: z.array(z.looseObject({})),
		allowed: "a list of Hocuspocus extensions",
	},
	seed: aFunction,
	redis: aFunction,
	compaction: {
		schema: z.strictObject({
			busyBytesMin: threshold,
			busyUpdatesMin: threshold,
			idleBytesMin: threshold,
			idleUpdatesMin: threshold,
			idleMs: threshold,
		} satisfies Record<keyof CompactionThresholds, z.ZodType>),
		allowed:
			"an object of busyBytesMin, busyUpdatesMin, idleBytesMin, idleUpdatesMin, idleMs, each 0 or more",
	},
	yDocOptions: { schema: z.looseObject({}), allowed: "an object of Y.Doc's options" },
};

/** Those that a configuration file can't have. */
const ofNodes: Readonly<Record<string, CodeOption>> = {
	store: anObjectWith(["open", "append", "close"], "a store, such as new SqliteStore({ path })"),
	logger: anObjectWith(["debug", "info", "warn", "error"], "a logger with debug, info, warn and error"),
	onDurabilityEvent: aFunction,
	onBusEvent: aFunction,
	onAuthEvent: aFunction,
	onLimitEvent: aFunction,
};

function anObjectWith(methods: readonly string[], allowed: string): CodeOption {
	const has = (value: unknown) => methods.every((name) => typeof Object(value)[name] === "function");
	return { schema: z.custom(has), allowed };
}

/** Of options that only code can say, hooks included. */
export interface CodeOptions {
	readonly names: readonly string[];
	/** @returns What is wrong with it, to be read after its name; `undefined` when it is right, or none of these. */
	problemWith(name: string, value: unknown): string | undefined;
	has(name: string): boolean;
}

function optionsOf(table: Readonly<Record<string, CodeOption>>): CodeOptions {
	const find = (name: string) =>
		isHookName(name) ? aFunction : Object.hasOwn(table, name) ? table[name] : undefined;
	return {
		names: [...Object.keys(table), ...hookNames],
		has: (name) => find(name) !== undefined,
		problemWith(name, value) {
			const option = find(name);
			if (option === undefined || option.schema.safeParse(value).success) return undefined;
			return `is ${asWritten(value)}, but must be ${option.allowed}`;
		},
	};
}

/** What a configuration file may hold beside settings. */
export const codeInFiles = optionsOf(inFiles);
/** What `createNode` takes beside settings. */
export const codeOfNodes = optionsOf({ ...inFiles, ...ofNodes });
