import {
	constants,
	existsSync,
	mkdtempSync,
	readFileSync,
	rmdirSync,
	rmSync,
	statfsSync,
	statSync,
} from "node:fs";
import { access } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { Doc, encodeStateAsUpdate } from "yjs";
import { SqliteStore } from "../../extensions/durability/index.ts";
import { oldestNodeMajor } from "../../extensions/durability/required-node.ts";
import { makeFolder } from "../../extensions/durability/sqlite/make-folder.ts";
import { adviceOnStore } from "../advice.ts";
import type { Configuration } from "../configuration.ts";
import type { Settings } from "../settings.ts";
import { checkDatabase } from "./check-database.ts";
import { checkRedis } from "./check-redis.ts";
import { checkCertificate, checkOpenness } from "./check-settings.ts";
import { type Finding, Report } from "./finding.ts";

type Check = (settings: Settings) => Finding | readonly Finding[] | Promise<Finding | readonly Finding[]>;

const freeBytesMin = 512 * 1024 * 1024;
/** Beside sockets: the database, its write-ahead log, threads, the program itself. */
const spareFiles = 100;

/** `indelible doctor`: whether a node with these settings can work here. @returns The exit code: 1 when there is a problem. */
export async function checkOwnSettings(
	configuration: Configuration,
	{ json }: { json: boolean },
): Promise<number> {
	const { settings, code, file } = configuration;
	const { databaseUrl, redisUrl, redisPrefix } = settings;
	const group = redisUrl !== undefined || code.redis !== undefined ? redisPrefix : undefined;
	const storeChecks: readonly Check[] =
		databaseUrl === undefined ? [checkFolderAndStore] : [() => checkDatabase(databaseUrl, group)];
	const redisChecks: readonly Check[] =
		redisUrl === undefined ? [] : [() => checkRedis(redisUrl, configuration)];
	const checks: readonly Check[] = [
		checkNode,
		...storeChecks,
		...redisChecks,
		checkPort,
		checkOpenFiles,
		() => [checkOpenness(configuration), ...checkCertificate(configuration)],
	];
	const report = new Report({ json });
	report.add({ check: "settings", result: "ok", detail: file ?? "flags, environment and defaults" });
	for (const check of checks) report.add(...[await check(settings)].flat());
	return report.end();
}

function checkNode(): Finding {
	const check = "Node.js";
	const detail = process.version;
	if (Number(process.versions.node.split(".")[0]) >= oldestNodeMajor) return { check, result: "ok", detail };
	return { check, result: "problem", detail, advice: `Install Node.js ${oldestNodeMajor} or newer.` };
}

/** Folders that it has to make for this go again: a node of another user could not write into them. */
async function checkFolderAndStore(settings: Settings): Promise<readonly Finding[]> {
	const made: string[] = [];
	try {
		return [await checkFolder(settings, made), await checkStore(settings)];
	} finally {
		for (const folder of made.reverse()) removeEmpty(folder);
	}
}

function removeEmpty(folder: string): void {
	try {
		rmdirSync(folder);
	} catch {
		// A node has begun to use it meanwhile.
	}
}

/** @param made Is given the folders that were not there. */
async function checkFolder({ data }: Settings, made: string[]): Promise<Finding> {
	const check = "data";
	const folder = resolve(data);
	try {
		made.push(...makeFolder(folder));
		await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
	} catch (error) {
		return {
			check,
			result: "problem",
			detail: `${folder}: ${(error as Error).message}`,
			advice:
				"Give the user that runs the node the right to write there, or choose another folder with --data.",
		};
	}
	const foreign = foreignFile(folder);
	if (foreign !== undefined) {
		return {
			check,
			result: "warning",
			detail: `${foreign} belongs to another user than ${folder}`,
			advice: `A node that runs as the folder's user can't use it: chown --reference=${folder} ${foreign}`,
		};
	}
	const { bavail, bsize } = statfsSync(folder);
	const detail = `${folder}, ${Math.floor((bavail * bsize) / 2 ** 20)} MiB free`;
	if (bavail * bsize >= freeBytesMin) return { check, result: "ok", detail };
	const advice =
		"A full disk stops acknowledgements (editing goes on, nothing acknowledged is lost). Make room.";
	return { check, result: "warning", detail, advice };
}

/** A file of the database that is root's, as a copy that root has made, in a folder that is not. */
function foreignFile(folder: string): string | undefined {
	if (statSync(folder).uid === 0) return undefined;
	return ["", "-wal", "-shm", "-lock"]
		.map((end) => join(folder, `indelible.sqlite${end}`))
		.find((path) => existsSync(path) && statSync(path).uid === 0);
}

/** Opens the database, if there is one; then writes, reads and merges in a new one beside it. */
async function checkStore({ data }: Settings): Promise<Finding> {
	const check = "store";
	const path = join(data, "indelible.sqlite");
	const exists = existsSync(path);
	let trialFolder: string | undefined;
	try {
		const about = exists ? await tryOpen(path) : "a new database";
		trialFolder = mkdtempSync(join(data, "doctor-"));
		await tryWriting(join(trialFolder, "trial.sqlite"));
		return { check, result: "ok", detail: `${about} at ${resolve(path)}; writing, reading and merging work` };
	} catch (error) {
		return {
			check,
			result: "problem",
			detail: (error as Error).message,
			advice: adviceOnStore((error as Error).message) ?? "See docs/operations.md. Nothing was changed.",
		};
	} finally {
		if (trialFolder !== undefined) rmSync(trialFolder, { recursive: true, force: true });
	}
}

async function tryOpen(path: string): Promise<string> {
	const store = new SqliteStore({ path });
	await store.open();
	try {
		const { sqliteVersion, schemaVersion, fileBytes } = await store.diagnostics();
		return `SQLite ${sqliteVersion}, schema ${schemaVersion}, ${Math.ceil(fileBytes / 1024)} KiB`;
	} finally {
		await store.close();
	}
}

async function tryWriting(path: string): Promise<void> {
	const store = new SqliteStore({ path });
	await store.open();
	try {
		const document = new Doc();
		document.getText("text").insert(0, "trial");
		const [result] = await store.append([
			{ documentName: "trial", updates: [encodeStateAsUpdate(document)] },
		]);
		if (result !== undefined && "error" in result) throw result.error;
		await store.compact("trial", { gc: true });
		const { position } = await store.load("trial");
		if (position !== 1) throw new Error("a document that was written does not read back");
	} finally {
		await store.close();
	}
}

async function checkPort({ port, host }: Settings): Promise<Finding> {
	const check = "port";
	const server = createServer();
	try {
		await new Promise<void>((done, fail) => server.once("error", fail).listen(port, host, done));
		return { check, result: "ok", detail: `${port} on ${host} is free` };
	} catch (error) {
		const { code, message } = error as NodeJS.ErrnoException;
		const detail = code === "EADDRINUSE" ? `${port} on ${host} is in use` : message;
		const advice =
			code === "EADDRINUSE"
				? "If that is not this node itself, stop it or choose another port with --port."
				: "Choose another with --port and --host.";
		return { check, result: "problem", detail, advice };
	} finally {
		server.close();
	}
}

function checkOpenFiles({ connectionsMax }: Settings): Finding {
	const check = "open files";
	const limits = existsSync("/proc/self/limits") ? readFileSync("/proc/self/limits", "utf8") : "";
	const limit = Number(/^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1] ?? Number.NaN);
	if (Number.isNaN(limit)) return { check, result: "ok", detail: "the limit is not known on this system" };
	const detail = `at most ${limit}, for ${connectionsMax} connections`;
	if (limit >= connectionsMax + spareFiles) return { check, result: "ok", detail };
	const advice = `Raise the limit (ulimit -n ${connectionsMax + spareFiles}, LimitNOFILE= in systemd), or lower --connections-max.`;
	return { check, result: "warning", detail, advice };
}
