import { type Place, placeText } from "./redis-url.ts";

/** What INFO says of a server, as far as it matters here. Empty when we may not ask. */
export interface ServerInfo {
	readonly role?: string | undefined;
	readonly cluster_enabled?: string | undefined;
}

/** The commands with which a deployment looks at the server that we are connected to. */
export interface ExaminedServer {
	info(section: "replication"): Promise<string>;
	cluster(subcommand: "NODES"): Promise<unknown>;
}

/** What a Sentinel knows of the primary. */
export interface SentinelReport {
	readonly place: Place;
	/** Grows with each failover. */
	readonly epoch: number;
}

/** How Redis is run, and so where one connects to it. One object for each connection. */
export interface Deployment {
	/**
	 * Where to try to connect, in this order; asked for each attempt.
	 * @throws when nobody knows.
	 */
	places(): Promise<readonly Place[]>;
	/** @returns Why a server is not one to use; looked at as soon as we are connected. */
	objection(info: ServerInfo): string | undefined;
	/** @returns Why we should connect anew, though the connection works; asked now and then. */
	review(server: ExaminedServer, place: Place | undefined): Promise<string | undefined>;
}

export const notInCluster = "it is not part of a Redis cluster";

/** One server, or a name that follows the primary. */
export function singleServer(place: Place): Deployment {
	let isClustered = false;
	return {
		places: async () => [place],
		objection(info) {
			isClustered = info.cluster_enabled === "1";
			return replicaObjection(info);
		},
		// An operator may make a replica of a server, which ends no connection.
		review: async (server) => (isClustered ? undefined : replicaObjection(await roleOf(server))),
	};
}

/**
 * The primary that the Sentinels name.
 * @param ask Asks all of them at once, and returns what those say who answered. It throws when nobody did.
 */
export function sentinels(ask: () => Promise<readonly SentinelReport[]>): Deployment {
	const primary = async () => {
		const reports = await ask();
		// A Sentinel that was cut off names the primary of before the failover.
		return reports.reduce((latest, report) => (report.epoch > latest.epoch ? report : latest)).place;
	};
	return {
		places: async () => [await primary()],
		objection: replicaObjection,
		async review(server, place) {
			const objection = replicaObjection(await roleOf(server));
			if (objection !== undefined || place === undefined) return objection;
			// One that the Sentinels can't reach does not know yet that it is no longer the primary.
			const named = placeText(await primary());
			return named === placeText(place) ? undefined : `the Sentinels have made ${named} the primary`;
		},
	};
}

/**
 * Any server of a cluster will do, because each passes on to all others what is published on it; staying with one keeps
 * messages in order.
 * @param start Where in the list to begin. When our two connections differ in it, heartbeats prove that the servers hear
 * each other.
 */
export function redisCluster(places: readonly Place[], start: number): Deployment {
	let next = start % places.length;
	let movesLeft = places.length;
	return {
		async places() {
			const order = [...places.slice(next), ...places.slice(0, next)];
			next = (next + 1) % places.length;
			return order;
		},
		objection: ({ cluster_enabled }) => (cluster_enabled === "0" ? notInCluster : undefined),
		async review(server, place) {
			if (!hasLostMajority(String(await server.cluster("NODES")))) {
				movesLeft = places.length;
				return undefined;
			}
			// Whoever else we come to may say the same: then the others are gone, and messages pass all the same.
			if (movesLeft === 0) return undefined;
			movesLeft -= 1;
			next = (place === undefined ? next : places.indexOf(place) + 1) % places.length;
			return "this server can't reach most of the Redis cluster";
		},
	};
}

/**
 * Publishing on a replica is allowed and reaches only who listens there, so two nodes on two replicas would hear
 * themselves and not each other. In a cluster, replicas pass messages on like everybody else.
 */
function replicaObjection({ role, cluster_enabled }: ServerInfo): string | undefined {
	if (role !== "slave" || cluster_enabled === "1") return undefined;
	return "it is a replica, whose messages don't reach the others";
}

/**
 * Whether the server is on the smaller side of a cut, or most of the others have died.
 * @param nodes What CLUSTER NODES answers: a line each, `id address flags primary ping pong epoch link slots…`.
 */
function hasLostMajority(nodes: string): boolean {
	const primaries = nodes
		.split("\n")
		.map((line) => line.trim().split(" "))
		.filter(([, , flags = "", , , , , , slots]) => flags.split(",").includes("master") && slots !== undefined)
		.map(([, , flags = ""]) => flags.split(","));
	// `fail?` is what it thinks, `fail` what the majority does.
	const lost = primaries.filter((flags) => flags.includes("fail") || flags.includes("fail?"));
	return lost.length * 2 > primaries.length;
}

async function roleOf(server: ExaminedServer): Promise<ServerInfo> {
	return infoFields(await server.info("replication"));
}

/** @param text `name:value` lines, as INFO answers. */
export function infoFields(text: string): Partial<Record<string, string>> {
	const fields: Record<string, string> = {};
	for (const line of text.split("\r\n")) {
		const colon = line.indexOf(":");
		if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1);
	}
	return fields;
}
