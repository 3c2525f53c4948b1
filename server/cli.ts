import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import {
	DamagedDocumentError,
	DocumentDeletedError,
	StoreConfigurationError,
	StoreUnavailableError,
} from "../extensions/durability/store.ts";
import { RedisRefusedError } from "../extensions/redis/redis-refused-error.ts";
import { adviceOnStore } from "./advice.ts";
import { type Configuration, loadConfiguration } from "./configuration.ts";
import { leanHocuspocus } from "./lean-hocuspocus.ts";
import { packageFolder } from "./package-folder.ts";
import { type Setting, type SettingName, settingChapters, settings } from "./settings.ts";
import { SettingsError } from "./settings-error.ts";
import { written } from "./standard-output.ts";
import { UserError } from "./user-error.ts";

/** The user has to change something before it can work. */
const exitCodeOfUse = 2;

const { version } = JSON.parse(readFileSync(new URL("package.json", packageFolder), "utf8")) as {
	version: string;
};

const storeSettings: readonly SettingName[] = ["data", "databaseUrl", "documentNameBytesMax"];

/** @param names The settings that the command takes as flags; all of them by default. */
function command(name: string, description: string, names?: readonly SettingName[]): Command {
	const created = new Command(name).description(description).exitOverride();
	created.option(
		"--config <file>",
		"configuration file (default: indelible.config.ts, .js or .json here, env: INDELIBLE_CONFIG)",
	);
	for (const setting of settings) {
		if (names === undefined || names.includes(setting.name)) created.addOption(option(setting));
	}
	return created.configureHelp({ showGlobalOptions: false });
}

function option({
	name,
	flag,
	type,
	description,
	initial,
	initialText,
	allowedText,
	variable,
}: Setting): Option {
	const chapter = settingChapters.find(({ names }) => names.includes(name))?.title ?? "";
	return makeOption().helpGroup(`${chapter}:`);

	function makeOption(): Option {
		if (type === "boolean" && initial === false)
			return new Option(flag, `${description} (env: ${variable}=true)`);
		if (type === "boolean")
			return new Option(`--no-${flag.slice(2)}`, `don't ${description} (env: ${variable}=false)`);
		const facts = `(default: ${initialText}, env: ${variable})`;
		if (type === "integer") return new Option(`${flag} <number>`, `${description} ${facts}`);
		const isAnything = allowedText === "a text that is not empty";
		return new Option(`${flag} <text>`, `${description}${isAnything ? "" : `: ${allowedText}`} ${facts}`);
	}
}

function configurationOf(from: Command): Promise<Configuration> {
	const given = from.opts<Record<string, unknown>>();
	// Commander fills in `true` for a flag `--no-…` that was not given.
	const flags = Object.fromEntries(
		Object.entries(given).filter(([name]) => from.getOptionValueSource(name) === "cli"),
	);
	return loadConfiguration({
		flags,
		file: given.config as string | undefined,
		environment: process.env,
		folder: process.cwd(),
	});
}

const program = new Command("indelible")
	.description("A collaborative document sync server for Yjs. An acknowledged edit is on disk.")
	.version(version, "-v, --version")
	.exitOverride()
	.addHelpText(
		"after",
		`
Settings come from flags, then environment variables, then indelible.config.ts, .js or .json, then defaults.
\`indelible start --help\` lists them.`,
	)
	.addCommand(
		command("start", "serve documents, and the demo editor, until SIGTERM or SIGINT").action(
			async (_options, self: Command) => {
				const endLeanness = leanHocuspocus();
				const { start } = await import("./start.ts");
				endLeanness();
				await start(await configurationOf(self), version);
			},
		),
	)
	.addCommand(
		command("doctor", "check that a node can work here, or that a deployment does, and say what to do if not")
			.option("--json", "print the checks as JSON")
			.option("--url <url>", "check the running deployment at this address instead, as an editor sees it")
			.option("--token <text>", "for --url: the token to show; others on this machine can read it here")
			.option("--token-variable <name>", "for --url: the environment variable that holds the token")
			.option(
				"--document <name>",
				"for --url: document to try things on; what it holds stays (default: indelible-doctor)",
			)
			.option(
				"--connections <number>",
				"for --url: sockets to open, to find the nodes (default: 8)",
				wholeNumber,
			)
			.option(
				"--idle-s <number>",
				"for --url: longest time for which a socket is kept silent, in s; 0 leaves it out (default: 75)",
				wholeNumber,
			)
			.option(
				"--patience-s <number>",
				"for --url: how long an edit may take to be stored or to arrive, in s (default: 15)",
				wholeNumber,
			)
			.action(async (options: DoctorOptions, self: Command) => {
				const configuration = await configurationOf(self);
				await end(await doctor(options, configuration));
			}),
	)
	.addCommand(
		command("health", "ask the node that runs here with these settings whether it lives; exit code 0 or 1", [
			"host",
			"port",
			"tlsCert",
		])
			.option("--ready", "ask whether it takes people instead")
			.action(async (options: { readonly ready?: boolean }, self: Command) => {
				const { settings: known } = await configurationOf(self);
				const { healthCommand } = await import("./health-command.ts");
				await end(await healthCommand(known, { ready: options.ready === true }));
			}),
	)
	.addCommand(
		command(
			"import",
			"take over the documents of @hocuspocus/extension-sqlite, or one document",
			storeSettings,
		)
			.argument("<file>", "its database file, which is only read; with --document, what `export` has written")
			.option("--document <name>", "merge the file with the document of this name")
			.option("--url <url>", "with --document: into a running deployment at this address, as an editor")
			.option("--token-variable <name>", "for --url: the environment variable that holds the token")
			.action(async (file: string, options: ImportOptions, self: Command) => {
				await end(await importFrom(file, options, await configurationOf(self)));
			}),
	)
	.addCommand(
		command("export", "write one document into a file, as a Yjs update; nodes may run", storeSettings)
			.argument("<document>", "its name")
			.requiredOption("--output <file>", "a new file")
			.option("--from <file>", "take it from a backup of an SQLite database")
			.action(async (documentName: string, options: { output: string; from?: string }, self: Command) => {
				const { exportCommand } = await import("./export-command.ts");
				await end(await exportCommand({ documentName, ...options }, await configurationOf(self)));
			}),
	)
	.addCommand(
		command(
			"backup",
			"copy the SQLite database, also while a node runs, and read the copy back",
			storeSettings,
		)
			.argument("<file>", "a new file")
			.action(async (file: string, _options, self: Command) => {
				const { backupCommand } = await import("./backup-command.ts");
				await end(await backupCommand(file, await configurationOf(self)));
			}),
	)
	.addCommand(
		command("list", "say which documents are stored, and what they take in bytes; nodes may run", [
			...storeSettings,
			"adminToken",
		])
			.option("--prefix <text>", "only documents whose names begin with it")
			.option("--json", "print a line of JSON for each")
			.option("--url <url>", "ask the node at this address, which needs its admin token")
			.action(async (options: ListCommandOptions, self: Command) => {
				const { listCommand } = await import("./list-command.ts");
				const { prefix, json = false, url } = options;
				await end(await listCommand({ prefix, json, url }, await configurationOf(self)));
			}),
	)
	.addCommand(
		command(
			"delete",
			"delete one document for good, and refuse its name from then on; with SQLite while no node runs, or with --url",
			[...storeSettings, "adminToken"],
		)
			.argument("<document>", "its name")
			.option("--free", "let the name of a deleted document be used again, instead of deleting")
			.option("--url <url>", "ask the node at this address to do it, which needs its admin token")
			.action(async (documentName: string, options: DeleteOptions, self: Command) => {
				const { deleteCommand } = await import("./delete-command.ts");
				const { free = false, url } = options;
				await end(await deleteCommand({ documentName, free, url }, await configurationOf(self)));
			}),
	);

interface ListCommandOptions {
	readonly prefix?: string;
	readonly json?: boolean;
	readonly url?: string;
}

interface DeleteOptions {
	readonly free?: boolean;
	readonly url?: string;
}

interface ImportOptions {
	readonly document?: string;
	readonly url?: string;
	readonly tokenVariable?: string;
}

async function importFrom(
	file: string,
	options: ImportOptions,
	configuration: Configuration,
): Promise<number> {
	const { document: documentName, url, tokenVariable } = options;
	if (url === undefined) refuseWithoutUrl({ tokenVariable });
	if (documentName === undefined) {
		if (url !== undefined) throw new UserError("--url needs --document: a single document can be merged so");
		const { importCommand } = await import("./import-command.ts");
		return importCommand(file, configuration);
	}
	const { importDocument } = await import("./import-document.ts");
	return importDocument({ file, documentName, url, token: tokenOf(options) }, configuration);
}

interface DoctorOptions {
	readonly json?: boolean;
	readonly url?: string;
	readonly token?: string;
	readonly tokenVariable?: string;
	readonly document?: string;
	readonly connections?: number;
	readonly idleS?: number;
	readonly patienceS?: number;
}

async function doctor(options: DoctorOptions, configuration: Configuration): Promise<number> {
	const { url, document: documentName, connections, idleS, patienceS } = options;
	const json = options.json === true;
	if (url === undefined) {
		const { token, tokenVariable } = options;
		refuseWithoutUrl({ token, tokenVariable, document: documentName, connections, idleS, patienceS });
		const { checkOwnSettings } = await import("./doctor/own-settings.ts");
		return checkOwnSettings(configuration, { json });
	}
	const { checkDeployment } = await import("./doctor/deployment.ts");
	const { adminToken } = configuration.settings;
	return checkDeployment({
		url,
		token: tokenOf(options),
		documentName,
		connections,
		idleS,
		patienceS,
		adminToken,
		json,
	});
}

/** Whoever forgets `--url` is not to take the checks of this machine for those of a deployment. */
function refuseWithoutUrl(onlyWithUrl: Readonly<Record<string, unknown>>): void {
	const given = Object.entries(onlyWithUrl).find(([, value]) => value !== undefined)?.[0];
	if (given === undefined) return;
	throw new UserError(`--${given.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} needs --url`);
}

function tokenOf({
	token,
	tokenVariable,
}: Pick<DoctorOptions, "token" | "tokenVariable">): string | undefined {
	if (tokenVariable === undefined) return token;
	const found = process.env[tokenVariable];
	if (found === undefined) throw new UserError(`--token-variable: there is no variable ${tokenVariable}`);
	return found;
}

function wholeNumber(text: string): number {
	if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
	return Number(text);
}

async function end(code: number): Promise<never> {
	await written();
	process.exit(code);
}

// Ends are explicit: a timer or a connection of a configuration file would keep the process alive.
try {
	await program.parseAsync();
} catch (error) {
	await end(report(error));
}

/** @returns The exit code. */
function report(error: unknown): number {
	// Commander has printed its message itself; help and version are not failures.
	if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodeOfUse;
	if (
		error instanceof SettingsError ||
		error instanceof UserError ||
		error instanceof StoreConfigurationError ||
		error instanceof DamagedDocumentError ||
		error instanceof DocumentDeletedError ||
		error instanceof RedisRefusedError
	) {
		complain(error.message.replaceAll(/^/gm, "indelible: "));
		return exitCodeOfUse;
	}
	// Its stack says nothing about a server that is away.
	if (error instanceof StoreUnavailableError)
		complain(`indelible: ${[error.message, adviceOnStore(error.message)].filter(Boolean).join(". ")}`);
	else complain(inspect(error));
	return 1;
}

/** Past `console`, which may be part of the log by now. */
function complain(text: string): void {
	process.stderr.write(`${text}\n`);
}
