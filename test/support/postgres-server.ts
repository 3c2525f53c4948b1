import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
	accessSync,
	appendFileSync,
	chmodSync,
	chownSync,
	constants,
	existsSync,
	mkdtempSync,
	readdirSync,
	rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { Client, type QueryResultRow } from "pg";
import { onTestFinished } from "vitest";
import { eventually } from "./eventually.ts";
import { freePort } from "./node-process.ts";

/** A real PostgreSQL server of the test's own, which can be stopped, killed and started again. */
export interface PostgresServer {
	readonly port: number;
	readonly folder: string;
	/** A connection URL for a database, as the superuser. */
	url(database?: string): string;
	/** A new, empty database. @returns Its URL. */
	newDatabase(): Promise<string>;
	/** Runs a statement as the superuser. */
	query<Row extends QueryResultRow>(text: string, values?: unknown[], database?: string): Promise<Row[]>;
	/** Adds lines to the configuration file; they count from the next start. */
	configure(...lines: string[]): void;
	/** Makes a folder the server's own, so that it can keep tables there. */
	giveFolder(path: string): void;
	/** Waits until it answers. */
	start(): Promise<void>;
	/** `fast` ends connections and writes everything to the disk. `immediate` ends at once, as a crash does. */
	stop(mode: "fast" | "immediate"): Promise<void>;
}

const superuser = { name: "boss", password: "p@ss:word/?" };

/** Where its programs are. @throws With what to do when they are nowhere. */
function findPrograms(): string {
	const found = installed();
	if (found !== undefined) return found;
	if (process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
		console.info("Installing PostgreSQL from Debian …");
		const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
		try {
			execFileSync("apt-get", ["update", "-qq"], { stdio: ["ignore", "ignore", "inherit"] });
			execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "postgresql"], {
				stdio: ["ignore", "ignore", "inherit"],
				env: environment,
			});
		} catch {
			// The message below says what to do.
		}
	}
	const now = installed();
	if (now !== undefined) return now;
	throw new Error("these tests need PostgreSQL (initdb and postgres): apt-get install postgresql");
}

function installed(): string | undefined {
	const debian = "/usr/lib/postgresql";
	const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
	const folders = [
		...(process.env.PATH ?? "").split(delimiter),
		...versions.map((version) => join(debian, version, "bin")),
	];
	return folders.find((folder) => ["initdb", "postgres"].every((name) => isProgram(join(folder, name))));
}

function isProgram(path: string): boolean {
	try {
		accessSync(path, constants.X_OK);
		return true;
	} catch {
		return false;
	}
}

/** PostgreSQL refuses to run as root. @returns A user to run it as, or `undefined` to run it as this one. */
function servant(): { readonly uid: number; readonly gid: number } | undefined {
	if (process.getuid?.() !== 0) return undefined;
	for (const name of ["postgres", "nobody"]) {
		try {
			const id = (flag: string) =>
				Number(execFileSync("id", [flag, name], { stdio: ["ignore", "pipe", "ignore"] }));
			return { uid: id("-u"), gid: id("-g") };
		} catch {
			// There is no such user.
		}
	}
	throw new Error("PostgreSQL does not run as root, and there is neither a user postgres nor nobody");
}

/** Its processes flush to the disk as they do in production: what these tests prove depends on it. */
const configuration = [
	"listen_addresses = '127.0.0.1'",
	"unix_socket_directories = ''",
	"max_connections = 100",
	"shared_buffers = 32MB",
	"max_wal_size = 256MB",
	"log_min_messages = panic",
];

/** Starts a server that goes when the test (or, in `beforeAll`, whoever calls `onEnd`) ends. */
export async function startPostgres(
	onEnd: (end: () => Promise<void>) => void = onTestFinished,
): Promise<PostgresServer> {
	const programs = findPrograms();
	const user = servant();
	const folder = mkdtempSync(join(tmpdir(), "indelible-postgres-"));
	if (user !== undefined) chownSync(folder, user.uid, user.gid);
	const data = join(folder, "data");
	const passwordFile = join(folder, "password");
	appendFileSync(passwordFile, superuser.password);
	if (user !== undefined) chownSync(passwordFile, user.uid, user.gid);
	execFileSync(
		join(programs, "initdb"),
		[
			...[
				"--pgdata",
				data,
				"--username",
				superuser.name,
				"--pwfile",
				passwordFile,
				"--auth",
				"scram-sha-256",
			],
			...["--encoding", "UTF8", "--no-locale", "--no-sync"],
		],
		{ ...user, cwd: folder, stdio: ["ignore", "ignore", "inherit"] },
	);
	const configure = (...lines: string[]) =>
		appendFileSync(join(data, "postgresql.conf"), `${lines.join("\n")}\n`);
	const port = await freePort();
	configure(...configuration, `port = ${port}`);

	let child: ChildProcess | undefined;
	let databases = 0;
	const url = (database = "postgres") =>
		`postgres://${superuser.name}:${encodeURIComponent(superuser.password)}@127.0.0.1:${port}/${database}`;
	const query: PostgresServer["query"] = async (text, values = [], database = "postgres") => {
		const client = new Client({ connectionString: url(database) });
		client.on("error", () => {});
		await client.connect();
		try {
			return (await client.query(text, values)).rows;
		} finally {
			await client.end();
		}
	};
	const server: PostgresServer = {
		port,
		folder,
		url,
		query,
		configure,
		giveFolder(path) {
			if (user === undefined) return;
			chownSync(path, user.uid, user.gid);
			// The temporary folder around it is this user's alone.
			chmodSync(dirname(path), 0o711);
		},
		async newDatabase() {
			databases += 1;
			const name = `test_${databases}`;
			await query(`CREATE DATABASE ${name}`);
			return url(name);
		},
		async start() {
			const started = spawn(join(programs, "postgres"), ["-D", data], {
				...user,
				cwd: folder,
				stdio: ["ignore", "inherit", "inherit"],
			});
			child = started;
			await eventually("PostgreSQL to answer", async () => {
				if (started.exitCode !== null) throw new Error(`PostgreSQL ended with ${started.exitCode}`);
				return (await query("SELECT 1")).length === 1;
			});
		},
		async stop(mode) {
			const running = child;
			child = undefined;
			if (running === undefined || running.exitCode !== null) return;
			const ended = once(running, "exit");
			running.kill(mode === "fast" ? "SIGINT" : "SIGQUIT");
			await ended;
		},
	};
	onEnd(async () => {
		await server.stop("immediate");
		rmSync(folder, { recursive: true, force: true });
	});
	await server.start();
	return server;
}
