import { Redis } from "ioredis";
import type { SentinelReport } from "./deployment.ts";
import { type Credentials, type Place, placeText } from "./redis-url.ts";

export interface SentinelGroup {
	readonly places: readonly Place[];
	/** What they call the primary. */
	readonly name: string;
	readonly credentials: Credentials;
	readonly tls: boolean;
}

/** For one Sentinel to answer. */
const answerMsMax = 2_000;

/**
 * Asks all Sentinels at once where the primary is.
 * @returns What those say who know.
 * @throws when none does; the message says why.
 */
export async function askSentinels(group: SentinelGroup): Promise<readonly SentinelReport[]> {
	const answers = await Promise.allSettled(group.places.map((place) => ask(place, group)));
	const reports = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
	if (reports.length > 0) return reports;
	const reasons = answers.flatMap((answer, index) => {
		const place = group.places[index];
		if (answer.status === "fulfilled" || place === undefined) return [];
		return [`${placeText(place)}: ${(answer.reason as Error).message}`];
	});
	throw new Error(`no Sentinel tells where the primary ${group.name} is (${reasons.join("; ")})`);
}

/** Over a connection of its own, which ends with the answer. */
async function ask(place: Place, { name, credentials, tls }: SentinelGroup): Promise<SentinelReport> {
	const { username, password } = credentials;
	const client = new Redis({
		...place,
		...(tls ? { tls: serverNameOf(place) } : {}),
		lazyConnect: true,
		enableReadyCheck: false,
		disableClientInfo: true,
		retryStrategy: () => null,
		connectTimeout: answerMsMax,
		commandTimeout: answerMsMax,
	});
	// Its reason is better than that of the command that fails with it.
	const failure = Promise.withResolvers<never>();
	client.on("error", failure.reject);
	const conversation = async () => {
		if (password !== undefined)
			await (username === undefined ? client.auth(password) : client.auth(username, password));
		return readReport(await client.call("SENTINEL", "MASTER", name));
	};
	try {
		return await Promise.race([conversation(), failure.promise]);
	} finally {
		client.disconnect();
	}
}

/** Names and values take turns in the answer. */
function readReport(answer: unknown): SentinelReport {
	const texts = Array.isArray(answer) ? answer.map(String) : [];
	const field = (name: string) => {
		const index = texts.findIndex((text, at) => at % 2 === 0 && text === name);
		return index < 0 ? undefined : texts[index + 1];
	};
	const [host, port] = [field("ip"), Number(field("port"))];
	if (host === undefined || !Number.isInteger(port)) throw new Error("an answer that can't be read");
	return { place: { host, port }, epoch: Number(field("config-epoch") ?? 0) };
}

/** A certificate is checked against the name that we connect to; addresses are no server names (RFC 6066, 3). */
export function serverNameOf({ host }: Place): { readonly servername?: string } {
	return /^[\d.]+$|:/.test(host) ? {} : { servername: host };
}
