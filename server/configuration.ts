import { existsSync, readFileSync, statSync } from "node:fs";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { codeInFiles } from "./code-options.ts";
import type { NodeOptions } from "./create-node.ts";
import type { Origin, Origins } from "./given-settings.ts";
import type { Hooks } from "./hooks.ts";
import { resolveOwnPackage } from "./own-package.ts";
import {
	fillSettings,
	problemWith,
	type Setting,
	type SettingName,
	type Settings,
	settings,
} from "./settings.ts";
import { didYouMean, type SettingProblem, SettingsError } from "./settings-error.ts";

/** What only code can say: `indelible.config.ts` and `.js` may hold it beside the settings, `.json` can't. */
type CodeOptions = Pick<NodeOptions, "extensions" | "seed" | "redis" | "compaction" | "yDocOptions"> & Hooks;

/** The default export of `indelible.config.ts`. */
export interface IndelibleConfig extends Partial<Settings>, CodeOptions {}

/** Gives the default export of a configuration file its type. */
export function defineConfig(config: IndelibleConfig): IndelibleConfig {
	return config;
}

/** All that a command needs to know, checked. */
export interface Configuration {
	readonly settings: Settings;
	readonly code: CodeOptions;
	/** The configuration file that was read, if any. */
	readonly file: string | undefined;
	/** Of each setting that was given. */
	readonly origins: Origins;
}

export interface ConfigurationSources {
	/** Values of command line flags by setting. */
	readonly flags: Readonly<Record<string, unknown>>;
	/** The file that `--config` names. */
	readonly file?: string | undefined;
	readonly environment: Readonly<Record<string, string | undefined>>;
	/** Where a configuration file is looked for. */
	readonly folder: string;
}

const fileNames = [".ts", ".mts", ".js", ".mjs", ".json"].map((extension) => `indelible.config${extension}`);
const prefix = "INDELIBLE_";
const fileVariable = `${prefix}CONFIG`;
const byName = new Map<string, Setting>(settings.map((setting) => [setting.name, setting]));
const byVariable = new Map<string, Setting>(settings.map((setting) => [setting.variable, setting]));

/**
 * Puts flags, environment variables, the configuration file and defaults together; the first that says something
 * wins.
 * @throws {SettingsError} that lists everything unknown or impossible, wherever it was said.
 */
export async function loadConfiguration(sources: ConfigurationSources): Promise<Configuration> {
	const problems: SettingProblem[] = [];
	const named = sources.file ?? (sources.environment[fileVariable] || undefined);
	const file = findFile(sources.folder, named);
	const content = file === undefined ? {} : await readFile(file);
	const { values: fromFile, code } = takeFile(content, file ?? "", problems);
	const fromEnvironment = takeEnvironment(sources.environment, problems);
	const fromFlags = takeFlags(sources.flags, problems);
	const values = { ...fromFile, ...fromEnvironment, ...fromFlags };
	if (problems.length > 0) throw new SettingsError(problems);
	const origins = new Map([
		...originsOf(fromFile, { form: "name", where: file ?? "" }),
		...originsOf(fromEnvironment, { form: "variable", where: theEnvironment }),
		...originsOf(fromFlags, { form: "flag", where: theCommandLine }),
	]);
	return { settings: fillSettings(values), code, file, origins };
}

const theEnvironment = "the environment";
const theCommandLine = "the command line";

function originsOf(values: Values, origin: Origin): [SettingName, Origin][] {
	return Object.keys(values).map((name) => [name as SettingName, origin]);
}

type Values = Partial<Record<SettingName, unknown>>;

function takeFlags(flags: ConfigurationSources["flags"], problems: SettingProblem[]): Values {
	const values: Values = {};
	for (const [name, given] of Object.entries(flags)) {
		const setting = byName.get(name);
		if (setting === undefined || given === undefined) continue;
		const value = fromText(setting, given);
		const problem = problemWith(setting.name, value);
		if (problem === undefined) values[setting.name] = value;
		else problems.push({ where: theCommandLine, name: setting.flag, problem });
	}
	return values;
}

function takeEnvironment(
	environment: ConfigurationSources["environment"],
	problems: SettingProblem[],
): Values {
	const where = theEnvironment;
	const values: Values = {};
	for (const [variable, text] of Object.entries(environment)) {
		if (!variable.startsWith(prefix) || variable === fileVariable || text === undefined) continue;
		const setting = byVariable.get(variable);
		if (setting === undefined) {
			const hint = didYouMean(variable, [...byVariable.keys(), fileVariable]);
			problems.push({ where, name: variable, problem: `is unknown${hint}` });
			continue;
		}
		const value = fromText(setting, text);
		const problem = problemWith(setting.name, value);
		if (problem === undefined) values[setting.name] = value;
		else problems.push({ where, name: variable, problem });
	}
	return values;
}

function takeFile(
	content: Readonly<Record<string, unknown>>,
	where: string,
	problems: SettingProblem[],
): { readonly values: Values; readonly code: CodeOptions } {
	const values: Values = {};
	const code: Record<string, unknown> = {};
	for (const [name, value] of Object.entries(content)) {
		if (value === undefined) continue;
		const setting = byName.get(name);
		if (setting !== undefined) {
			const problem = problemWith(setting.name, value);
			if (problem === undefined) values[setting.name] = value;
			else problems.push({ where, name, problem });
			continue;
		}
		const problem = codeInFiles.has(name)
			? codeInFiles.problemWith(name, value)
			: `is unknown${didYouMean(name, [...byName.keys(), ...codeInFiles.names])}`;
		if (problem === undefined) code[name] = value;
		else problems.push({ where, name, problem });
	}
	return { values, code };
}

/** What a flag or a variable says, in the type of its setting; left as it is when it says nothing of that type. */
function fromText({ type }: Setting, text: unknown): unknown {
	if (typeof text !== "string") return text;
	if (type === "integer" && /^[+-]?\d+$/.test(text.trim())) return Number(text);
	if (type === "boolean" && /^(true|1|yes|on)$/i.test(text.trim())) return true;
	if (type === "boolean" && /^(false|0|no|off)$/i.test(text.trim())) return false;
	return text;
}

function findFile(folder: string, named: string | undefined): string | undefined {
	if (named === undefined)
		return fileNames.map((name) => resolve(folder, name)).find((path) => existsSync(path));
	const path = resolve(folder, named);
	if (existsSync(path) && !statSync(path).isDirectory()) return path;
	if (existsSync(path))
		throw new SettingsError([{ where: path, name: "the configuration file", problem: "is a folder" }]);
	throw new SettingsError([{ where: path, name: "the configuration file", problem: "does not exist" }]);
}

async function readFile(path: string): Promise<Readonly<Record<string, unknown>>> {
	resolveOwnPackage();
	try {
		const content: unknown =
			extname(path) === ".json"
				? JSON.parse(readFileSync(path, "utf8"))
				: await ((await import(pathToFileURL(path).href)) as { default?: unknown }).default;
		if (typeof content === "object" && content !== null && !Array.isArray(content)) {
			// A copy, for getters that throw.
			return { ...content };
		}
	} catch (error) {
		const problem = `can't be read: ${error instanceof Error ? error.message : String(error)}${placeIn(path, error)}`;
		throw new SettingsError([{ where: path, name: "the configuration file", problem }]);
	}
	const problem = "must have an object of settings as its default export";
	throw new SettingsError([{ where: path, name: "the configuration file", problem }]);
}

/** @returns ` (line 3)`, when the error's stack says where in the file; `JSON.parse` says it itself. */
function placeIn(path: string, error: unknown): string {
	const stack = error instanceof Error ? (error.stack ?? "") : "";
	for (const name of [pathToFileURL(path).href, path]) {
		const at = stack.indexOf(`${name}:`);
		const line = at < 0 ? undefined : /^\d+/.exec(stack.slice(at + name.length + 1))?.[0];
		if (line !== undefined) return ` (line ${line})`;
	}
	return "";
}
