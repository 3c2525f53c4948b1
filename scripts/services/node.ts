import { fileURLToPath } from "node:url";
import { type Output, type Service, startService } from "./service.ts";

const launcher = fileURLToPath(new URL("../../bin/indelible.js", import.meta.url));

export interface NodeServiceOptions {
	readonly title: string;
	readonly port: number;
	readonly environment: Readonly<Record<string, string>>;
	readonly output: Output;
	readonly onSpawn?: (service: Service) => void;
}

/** `indelible start`, in a process group of its own. Ready when this returns. */
export function startNodeService(options: NodeServiceOptions): Promise<Service> {
	const { title, port, environment, output, onSpawn } = options;
	return startService({
		title,
		program: process.execPath,
		args: [launcher, "start", "--host", "127.0.0.1", "--port", String(port)],
		output,
		spawn: { env: { ...process.env, ...environment }, detached: true },
		...(onSpawn && { onSpawn }),
		answers: async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok,
	});
}
