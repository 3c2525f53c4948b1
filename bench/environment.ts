import { execFileSync, spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import { isPinned } from "./pinning.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Where figures come from; without it they mean nothing. */
export interface Environment {
	readonly date: string;
	/** What repeats it. */
	readonly command: string;
	/** The version that was measured. */
	readonly commit: string;
	readonly processor: string;
	readonly processors: number;
	readonly memoryMib: number;
	readonly system: string;
	/** Type of the file system on which servers store. */
	readonly fileSystem: string;
	readonly pinned: boolean;
	readonly versions: Readonly<Record<string, string>>;
}

const packages = [
	"@hocuspocus/server",
	"@hocuspocus/extension-database",
	"@hocuspocus/extension-redis",
	"ioredis",
	"pg",
	"yjs",
	"ws",
] as const;
/** What nodes of a cluster share. */
const programs = { redis: "redis-server", postgres: "postgres", haproxy: "haproxy" } as const;
/** Debian keeps servers where not everybody looks. */
const serverFolders = [process.env.PATH, "/usr/sbin", ...globSync("/usr/lib/postgresql/*/bin").reverse()];

/** What is measured; the rest of the repository is no part of it. */
const sources = ["bench", "bin", "extensions", "server", "package-lock.json"];

/** @param command What repeats it. @param data Where servers store. */
export function describeEnvironment(command: string, data: string): Environment {
	const versions: Record<string, string> = {
		node: process.versions.node,
		sqlite: process.versions.sqlite ?? "?",
		indelible: versionIn("../package.json"),
	};
	for (const name of packages) versions[name] = versionIn(`../node_modules/${name}/package.json`);
	for (const [name, program] of Object.entries(programs)) versions[name] = versionOf(program);
	return {
		date: new Date().toISOString().slice(0, 10),
		command,
		commit: commit(),
		processor: cpus()[0]?.model ?? "?",
		processors: cpus().length,
		memoryMib: Math.round(totalmem() / 2 ** 20),
		system: `${type()} ${/^\d+\.\d+/.exec(release())?.[0] ?? release()}`,
		fileSystem: fileSystemOf(data),
		pinned: isPinned,
		versions,
	};
}

export function showEnvironment(environment: Environment): string {
	const { date, command, commit, processor, processors, memoryMib, system, fileSystem, pinned, versions } =
		environment;
	const where = pinned
		? "servers on processor 0; load, Redis, Postgres and HAProxy on processor 1"
		: "server and load share all processors";
	return [
		`${date}  ${command}  (${commit})`,
		`${processors} × ${processor}, ${memoryMib} MiB, ${system}, ${fileSystem}; ${where}`,
		Object.entries(versions)
			.map(([name, version]) => `${name} ${version}`)
			.join(", "),
	].join("\n");
}

/** @returns "none" where the program is missing: not every scenario needs it. */
function versionOf(program: string): string {
	try {
		const env = { ...process.env, PATH: serverFolders.join(delimiter) };
		const said = execFileSync(program, [program === "postgres" ? "-V" : "-v"], { env, encoding: "utf8" });
		return /\d+\.\d+(\.\d+)?/.exec(said)?.[0] ?? "?";
	} catch {
		return "none";
	}
}

/** @returns "?" where `df` cannot tell. */
function fileSystemOf(folder: string): string {
	const { stdout } = spawnSync("df", ["--output=fstype", folder], { encoding: "utf8" });
	return stdout?.split("\n")[1]?.trim() ?? "?";
}

/** @returns "unknown" outside a checkout. */
function commit(): string {
	const git = (...args: string[]) =>
		execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
	try {
		const changes = git("status", "--porcelain", "--", ...sources);
		return `${git("rev-parse", "--short", "HEAD")}${changes === "" ? "" : " and changes to it"}`;
	} catch {
		return "unknown";
	}
}

function versionIn(path: string): string {
	const { version } = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
	return String(version);
}
