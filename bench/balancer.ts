import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBalancer } from "../scripts/services/balancer.ts";
import { freePort } from "../scripts/services/free-port.ts";
import { sleep } from "./pace.ts";

/** An HAProxy in front of nodes. */
export interface BenchBalancer {
	readonly url: string;
	end(): Promise<void>;
}

/** Nodes get their full share so long after they were found. */
const slowStartMs = 10_000;

/**
 * Starts HAProxy as operators would have it, where the load runs. Resolves when it treats all nodes alike.
 * @param ports Of nodes on this machine, which listen.
 */
export async function startBenchBalancer(ports: readonly number[]): Promise<BenchBalancer> {
	const port = await freePort();
	const folder = await mkdtemp(join(tmpdir(), "indelible-bench-balancer-"));
	const service = await startBalancer({
		flavour: "any-node",
		nodes: ports.map((node) => `127.0.0.1:${node}`),
		port,
		folder,
		output: "ignore",
	});
	await sleep(slowStartMs);
	return {
		url: `ws://127.0.0.1:${port}`,
		async end() {
			await service.stop("SIGKILL");
			await rm(folder, { recursive: true, force: true });
		},
	};
}
