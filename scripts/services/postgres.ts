import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
	appendFileSync,
	chownSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	renameSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client, type QueryResultRow } from "pg";
import { programFolder } from "./programs.ts";
import { type Output, type Service, startService } from "./service.ts";

export interface PostgresOptions {
	/** Holds all that it keeps; made if it is missing. */
	readonly folder: string;
	readonly port: number;
	/** The superuser, who is made together with the data. */
	readonly user: string;
	readonly password: string;
	/** The data is thrown away afterwards: it is copied from what was made for such a server before, and need not be on the disk. */
	readonly isTemporary?: boolean;
	readonly output?: Output;
	readonly detached?: boolean;
}

/** A PostgreSQL server that listens on this machine only. */
export interface Postgres {
	/** A connection URL for a database, as the superuser. */
	url(database?: string): string;
	/** Runs a statement as the superuser. */
	query<Row extends QueryResultRow>(text: string, values?: unknown[], database?: string): Promise<Row[]>;
	/** Adds lines to the configuration file; they count from the next start. */
	configure(...lines: string[]): void;
	/** Makes a file or folder the server's own, if it runs as somebody else than this process. */
	give(path: string): void;
	/** Waits until it answers. */
	start(onSpawn?: (service: Service) => void): Promise<Service>;
}

/** `fast` ends connections and writes everything to the disk. `immediate` ends at once, as a crash does. */
export const postgresSignals = { fast: "SIGINT", immediate: "SIGQUIT" } as const;

/** It flushes to the disk as it does in production: what is proved and shown with it depends on it. */
const configuration = [
	"listen_addresses = '127.0.0.1'",
	"unix_socket_directories = ''",
	"max_connections = 100",
	"shared_buffers = 32MB",
	"max_wal_size = 256MB",
];

/** @returns The folder of its programs, those of the client among them. @throws With what to do when there is none. */
export function findPostgres(): string {
	return programFolder({
		title: "PostgreSQL",
		names: ["initdb", "postgres"],
		debianPackage: "postgresql",
		folders: debianFolders,
	});
}

/** Newest version first. */
function debianFolders(): string[] {
	const debian = "/usr/lib/postgresql";
	if (!existsSync(debian)) return [];
	const versions = readdirSync(debian).sort((a, b) => Number(b) - Number(a));
	return versions.map((version) => join(debian, version, "bin"));
}

interface Identity {
	readonly name: string;
	readonly uid: number;
	readonly gid: number;
}

/** PostgreSQL refuses to run as root. @returns A user to run it as, or `undefined` to run it as this one. */
function servant(): Identity | undefined {
	if (process.getuid?.() !== 0) return undefined;
	for (const name of ["postgres", "nobody"]) {
		try {
			const id = (flag: string) =>
				Number(execFileSync("id", [flag, name], { stdio: ["ignore", "pipe", "ignore"] }));
			return { name, uid: id("-u"), gid: id("-g") };
		} catch {
			// There is no such user.
		}
	}
	throw new Error("PostgreSQL does not run as root, and there is neither a user postgres nor nobody");
}

/** @throws When the user can't get to the folder, whoever owns it. */
function ensureReachable(folder: string, { name, uid, gid }: Identity): void {
	for (let parent = dirname(folder); ; parent = dirname(parent)) {
		const { mode, uid: owner, gid: group } = statSync(parent);
		const bit = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001;
		if ((mode & bit) === 0)
			throw new Error(
				`PostgreSQL does not run as root, and ${name}, as whom it would run, can't enter ${parent}: choose another folder for the data, or start this as another user`,
			);
		if (parent === dirname(parent)) return;
	}
}

const copies = fileURLToPath(new URL("../../node_modules/.cache/postgres", import.meta.url));

/** Copies the data that was made with the same options before; if there is none, makes it and keeps a copy. It belongs to whom it did. */
function copyOrMake(data: string, options: string, make: () => void): void {
	const copy = join(copies, createHash("sha256").update(options).digest("hex").slice(0, 16));
	if (existsSync(copy)) {
		copyFolder(copy, data);
		return;
	}
	make();
	mkdirSync(copies, { recursive: true, mode: 0o700 });
	// Whole or not there: others may be making one too.
	const draft = mkdtempSync(`${copy}-`);
	copyFolder(data, join(draft, "data"));
	try {
		renameSync(join(draft, "data"), copy);
	} catch {
		// Somebody else was faster.
	}
	rmSync(draft, { recursive: true, force: true });
}

function versionOf(programs: string): string {
	return execFileSync(join(programs, "postgres"), ["--version"], { encoding: "utf8" });
}

function copyFolder(from: string, to: string): void {
	execFileSync("cp", ["-a", from, to], { stdio: ["ignore", "ignore", "inherit"] });
}

/** Makes the data if there is none yet. @throws With what to do when PostgreSQL is nowhere, or can't work here. */
export function preparePostgres(options: PostgresOptions): Postgres {
	const { folder, port, user, password, isTemporary = false, output = "inherit", detached = false } = options;
	const programs = findPostgres();
	const identity = servant();
	const runAs = identity && { uid: identity.uid, gid: identity.gid };
	const give = (path: string) => {
		if (identity !== undefined) chownSync(path, identity.uid, identity.gid);
	};
	mkdirSync(folder, { recursive: true, mode: 0o700 });
	give(folder);
	if (identity !== undefined) ensureReachable(folder, identity);
	const data = join(folder, "data");
	const url = (database = "postgres") =>
		`postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
	const configure = (...lines: string[]) =>
		appendFileSync(join(data, "postgresql.conf"), `${lines.join("\n")}\n`);
	const make = () => {
		const passwordFile = join(folder, "password");
		writeFileSync(passwordFile, password, { mode: 0o600 });
		give(passwordFile);
		const account = ["--username", user, "--pwfile", passwordFile, "--auth", "scram-sha-256"];
		const layout = ["--encoding", "UTF8", "--no-locale", ...(isTemporary ? ["--no-sync"] : [])];
		execFileSync(join(programs, "initdb"), ["--pgdata", data, ...account, ...layout], {
			...runAs,
			cwd: folder,
			stdio: ["ignore", "ignore", "inherit"],
		});
		rmSync(passwordFile);
	};
	const initialize = () => {
		// What an initialization that was interrupted has left can't be used.
		rmSync(data, { recursive: true, force: true });
		if (isTemporary) copyOrMake(data, JSON.stringify([versionOf(programs), user, password, identity]), make);
		else make();
		configure(...configuration);
		writeFileSync(join(folder, "ready"), "");
	};
	if (!existsSync(join(folder, "ready"))) initialize();
	const query: Postgres["query"] = async (text, values = [], database = "postgres") => {
		const client = new Client({ connectionString: url(database) });
		client.on("error", () => {});
		await client.connect();
		try {
			return (await client.query(text, values)).rows;
		} finally {
			await client.end();
		}
	};
	return {
		url,
		query,
		configure,
		give,
		start: (onSpawn) =>
			startService({
				title: "PostgreSQL",
				program: join(programs, "postgres"),
				args: ["-D", data, "-p", String(port)],
				output,
				spawn: { ...runAs, cwd: folder, detached },
				...(onSpawn && { onSpawn }),
				answers: async () => (await query("SELECT 1")).length === 1,
			}),
	};
}
