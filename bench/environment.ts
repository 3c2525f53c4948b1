import { readFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { isPinned } from "./pinning.ts";

/** Where figures come from; without it they mean nothing. */
export interface Environment {
	readonly date: string;
	readonly command: string;
	readonly processor: string;
	readonly processors: number;
	readonly memoryMib: number;
	readonly system: string;
	readonly pinned: boolean;
	readonly versions: Readonly<Record<string, string>>;
}

const packages = ["@hocuspocus/server", "@hocuspocus/extension-database", "yjs", "ws"] as const;

export function describeEnvironment(): Environment {
	const versions: Record<string, string> = {
		node: process.versions.node,
		sqlite: process.versions.sqlite ?? "?",
		indelible: versionIn("../package.json"),
	};
	for (const name of packages) versions[name] = versionIn(`../node_modules/${name}/package.json`);
	return {
		date: new Date().toISOString().slice(0, 10),
		command: ["npm run bench --", ...process.argv.slice(2)].join(" "),
		processor: cpus()[0]?.model ?? "?",
		processors: cpus().length,
		memoryMib: Math.round(totalmem() / 2 ** 20),
		system: `${type()} ${release()}`,
		pinned: isPinned,
		versions,
	};
}

export function showEnvironment(environment: Environment): string {
	const { date, command, processor, processors, memoryMib, system, pinned, versions } = environment;
	const where = pinned
		? "the server on processor 0, the load on processor 1"
		: "server and load share all processors";
	return [
		`${date}  ${command}`,
		`${processors} × ${processor}, ${memoryMib} MiB, ${system}; ${where}`,
		Object.entries(versions)
			.map(([name, version]) => `${name} ${version}`)
			.join(", "),
	].join("\n");
}

function versionIn(path: string): string {
	const { version } = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
	return String(version);
}
