import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type HaproxyOptions, startHaproxyService } from "./haproxy.ts";
import type { Service } from "./service.ts";

/** The configurations in `deploy/haproxy`. */
export type BalancerFlavour = "any-node" | "document-affinity";

export interface BalancerOptions extends Omit<HaproxyOptions, "file" | "environment"> {
	readonly flavour: BalancerFlavour;
	/** `host:port` of each node. */
	readonly nodes: readonly string[];
	/** Address to listen on; this machine's own by default. */
	readonly host?: string;
	/** Where the configuration is written. */
	readonly folder: string;
}

/** Starts HAProxy with the configuration that operators get, with as many servers as there are nodes. */
export function startBalancer({
	flavour,
	nodes,
	host,
	folder,
	port,
	...rest
}: BalancerOptions): Promise<Service> {
	const shipped = fileURLToPath(new URL(`../../deploy/haproxy/${flavour}.cfg`, import.meta.url));
	const file = join(folder, "haproxy.cfg");
	writeFileSync(file, withServers(readFileSync(shipped, "utf8"), nodes.length));
	const addresses = nodes.map((address, index) => [`NODE_${index + 1}`, address] as const);
	const environment = {
		...Object.fromEntries(addresses),
		BALANCER_BIND: `${host ?? "127.0.0.1"}:${port}`,
	};
	return startHaproxyService({ ...rest, file, environment, port });
}

/** What the file says on adding nodes: one more line each, with the next number wherever the first one has a 1. */
function withServers(configuration: string, count: number): string {
	const first = /^\tserver node-1 .*\n/gm;
	if (!first.test(configuration)) throw new Error("the balancer's configuration has no server node-1");
	return configuration
		.replaceAll(/^\tserver node-(?!1 ).*\n/gm, "")
		.replaceAll(first, (line) =>
			Array.from({ length: count }, (_, index) =>
				line.replaceAll(/(?<=node-|NODE_| id )1\b/g, String(index + 1)),
			).join(""),
		);
}
