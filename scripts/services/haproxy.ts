import { execFileSync } from "node:child_process";
import { connect } from "node:net";
import { join } from "node:path";
import { programFolder } from "./programs.ts";
import { type Output, type Service, startService } from "./service.ts";

export interface HaproxyOptions {
	/** The configuration file. */
	readonly file: string;
	/** The port that the configuration listens on, of this machine. */
	readonly port: number;
	/** What the configuration expects in the environment. */
	readonly environment?: Readonly<Record<string, string>>;
	readonly output?: Output;
	readonly detached?: boolean;
	readonly onSpawn?: (service: Service) => void;
}

/** @throws With what to do when there is no HAProxy. */
function findHaproxy(): string {
	return programFolder({ title: "HAProxy", names: ["haproxy"], debianPackage: "haproxy" });
}

/** Listens when this returns; whether it has found its servers is another question. */
export async function startHaproxyService(options: HaproxyOptions): Promise<Service> {
	const { file, port, environment = {}, output = "inherit", detached = false, onSpawn } = options;
	const program = join(findHaproxy(), "haproxy");
	const env = { ...process.env, ...environment };
	try {
		execFileSync(program, ["-c", "-q", "-f", file], { env, stdio: ["ignore", "pipe", "pipe"] });
	} catch (error) {
		const { stdout = "", stderr = "" } = error as { stdout?: Buffer | string; stderr?: Buffer | string };
		throw new Error(`HAProxy does not take ${file}:\n${stdout}${stderr}`);
	}
	return startService({
		title: "HAProxy",
		program,
		// In the foreground, whatever the file says.
		args: ["-db", "-f", file],
		output,
		spawn: { env, detached },
		...(onSpawn && { onSpawn }),
		answers: () => accepts(port),
	});
}

function accepts(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect(port, "127.0.0.1");
		socket.once("connect", () => {
			socket.destroy();
			resolve(true);
		});
		socket.once("error", () => resolve(false));
	});
}
