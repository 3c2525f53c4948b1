import { execFile } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { environmentWithoutSettings } from "./node-process.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The commands of a block of the operators' page that is marked with a name: ```sh drill=name. */
function commandsOf(name: string, page = "docs/operations.md"): string {
	const text = readFileSync(join(root, page), "utf8");
	const block = new RegExp(`^\`\`\`sh drill=${name}\\n(.*?)^\`\`\`$`, "ms").exec(text)?.[1];
	if (block === undefined) throw new Error(`${page} has no block drill=${name}`);
	return block;
}

export interface RunbookOptions {
	/** What stands for places and names on the page. */
	readonly places: Readonly<Record<string, string>>;
	readonly environment: Readonly<Record<string, string>>;
	/** Folders of programs, before those of this machine. */
	readonly programs?: readonly string[];
	/** What `systemctl start indelible` is to start. */
	readonly nodeFlags: readonly string[];
	readonly port: number;
}

export interface Runbook {
	/** Runs a block as an operator would paste it; the first command that fails ends it. @returns What it said. */
	run(name: string): Promise<string>;
	systemctl(command: "start" | "stop"): Promise<string>;
	/** Ends the node without a word. */
	kill(): void;
}

/** A machine on which an operator works: with `indelible` on its path, and a `systemctl` that knows one service. */
export function openRunbook({
	places,
	environment,
	programs = [],
	nodeFlags,
	port,
}: RunbookOptions): Runbook {
	const folder = temporaryFolder();
	const pidFile = join(folder, "pid");
	const launcher = `"${process.execPath}" "${join(root, "bin/indelible.js")}"`;
	const program = (name: string, text: string) => {
		const path = join(folder, name);
		writeFileSync(path, `#!/bin/bash\n${text}`);
		chmodSync(path, 0o755);
	};
	program("indelible", `exec ${launcher} "$@"\n`);
	program("systemctl", systemctl({ pidFile, log: join(folder, "log"), launcher, nodeFlags, port }));
	const path = [folder, ...programs, process.env.PATH].join(delimiter);
	const env = {
		...environmentWithoutSettings(),
		...environment,
		INDELIBLE_PORT: String(port),
		PATH: path,
	};
	const bash = (commands: string) =>
		new Promise<string>((resolve, reject) => {
			const options = { env, cwd: folder, timeout: 120_000 };
			execFile("bash", ["-euo", "pipefail", "-c", commands], options, (error, output, errors) => {
				if (error === null) resolve(output + errors);
				else reject(new Error(`${commands}\n${output}${errors}`, { cause: error }));
			});
		});
	return {
		run: (name) =>
			bash(
				Object.entries(places).reduce(
					(text, [place, here]) => text.replaceAll(place, here),
					commandsOf(name),
				),
			),
		systemctl: (command) => bash(`systemctl ${command} indelible`),
		kill() {
			try {
				process.kill(Number(readFileSync(pidFile, "utf8")), "SIGKILL");
			} catch {
				// It does not run.
			}
		},
	};
}

interface Service {
	readonly pidFile: string;
	readonly log: string;
	readonly launcher: string;
	readonly nodeFlags: readonly string[];
	readonly port: number;
}

/** Returns from a start when the node is ready, and from a stop when it has gone. */
function systemctl({ pidFile, log, launcher, nodeFlags, port }: Service): string {
	const flags = nodeFlags.map((flag) => `"${flag}"`).join(" ");
	return `
[ "$2" = indelible ] || exit 5
case "$1" in
start)
	${launcher} start --no-demo ${flags} >> "${log}" 2>&1 < /dev/null &
	echo $! > "${pidFile}"
	for attempt in $(seq 300); do
		"${process.execPath}" --eval 'fetch("http://127.0.0.1:${port}/readyz").then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))' && exit 0
		kill -0 "$(cat "${pidFile}")" 2> /dev/null || break
		sleep 0.1
	done
	cat "${log}" >&2
	exit 1 ;;
stop)
	[ -e "${pidFile}" ] || exit 0
	kill "$(cat "${pidFile}")" 2> /dev/null || true
	while kill -0 "$(cat "${pidFile}")" 2> /dev/null; do sleep 0.1; done
	rm "${pidFile}" ;;
*) exit 1 ;;
esac
`;
}
