/** A server's address. */
export interface Place {
	readonly host: string;
	readonly port: number;
}

export interface Credentials {
	/** The role `default` when there is none. */
	readonly username: string | undefined;
	readonly password: string | undefined;
}

interface CommonAddress extends Credentials {
	readonly places: readonly Place[];
	readonly tls: boolean;
}

/** What a Redis URL says. A database number is read and forgotten: messages reach all databases of a server. */
export type RedisAddress =
	| (CommonAddress & { readonly kind: "single" })
	| (CommonAddress & { readonly kind: "cluster" })
	| (CommonAddress & {
			/** The places are those of the Sentinels. */
			readonly kind: "sentinel";
			/** What the Sentinels call the primary. */
			readonly name: string;
			readonly sentinel: Credentials;
	  });

const kinds: Readonly<Record<string, Pick<RedisAddress, "kind" | "tls">>> = {
	redis: { kind: "single", tls: false },
	rediss: { kind: "single", tls: true },
	"redis+sentinel": { kind: "sentinel", tls: false },
	"rediss+sentinel": { kind: "sentinel", tls: true },
	"redis+cluster": { kind: "cluster", tls: false },
	"rediss+cluster": { kind: "cluster", tls: true },
};

const defaultPorts = { single: 6379, sentinel: 26_379, cluster: 6379 };

/** It never holds any part of the URL that may be secret. */
export class RedisUrlError extends Error {
	override readonly name = "RedisUrlError";
}

/**
 * Reads a URL by hand, because WHATWG URLs have one host:
 * - `redis://[[user]:password@]host[:port][/database]`,
 * - `redis+sentinel://[[user]:password@]host[:port][,host[:port]…]/name[/database][?sentinel_username=…&sentinel_password=…]`,
 * - `redis+cluster://[[user]:password@]host[:port][,host[:port]…]`,
 * and each with `rediss` for TLS. User, password and name are percent-encoded.
 * @throws {RedisUrlError} that says what is wrong.
 */
export function parseRedisUrl(url: string): RedisAddress {
	const [, scheme = "", rest = ""] = /^([a-z+]+):\/\/(.*)$/i.exec(url) ?? [];
	const known = kinds[scheme.toLowerCase()];
	if (known === undefined)
		throw new RedisUrlError(`it must begin with ${Object.keys(kinds).join("://, ")}://`);
	const { kind, tls } = known;
	// A hash sign has no meaning here, so it ends up among the hosts.
	const [, authority = "", path = "", query = ""] = /^([^/?]*)([^?]*)(?:\?(.*))?$/.exec(rest) ?? [];
	const at = authority.lastIndexOf("@");
	const credentials = parseCredentials(authority.slice(0, Math.max(0, at)));
	const hosts = authority.slice(at + 1);
	const places = hosts.split(",").map((host) => parsePlace(host, defaultPorts[kind]));
	if (kind === "single" && places.length > 1)
		throw new RedisUrlError("several hosts need redis+sentinel:// or redis+cluster://");
	const segments = path.split("/").slice(1);
	if (segments.at(-1) === "") segments.pop();
	const parameters = parseParameters(query, kind === "sentinel" ? sentinelParameters : []);
	const common = { ...credentials, places, tls };
	if (kind !== "sentinel") {
		checkDatabase(segments, kind === "cluster" ? 0 : Number.MAX_SAFE_INTEGER);
		return { ...common, kind };
	}
	const [name, ...database] = segments;
	if (name === undefined) throw new RedisUrlError("the name of the primary is missing behind the hosts");
	checkDatabase(database, Number.MAX_SAFE_INTEGER);
	const sentinel = {
		username: parameters.get("sentinel_username") ?? undefined,
		password: parameters.get("sentinel_password") ?? undefined,
	};
	return { ...common, kind, name: decode(name, "the name of the primary"), sentinel };
}

/** @returns Where it is, for people and logs: without user, password and parameters. */
export function locationOf(url: string): string {
	try {
		const address = parseRedisUrl(url);
		const [scheme] = url.split(":", 1);
		const name = address.kind === "sentinel" ? `/${address.name}` : "";
		return `${scheme}://${address.places.map(placeText).join(",")}${name}`;
	} catch {
		return "Redis";
	}
}

export function placeText({ host, port }: Place): string {
	return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function parseCredentials(text: string): Credentials {
	if (text === "") return { username: undefined, password: undefined };
	const colon = text.indexOf(":");
	if (colon < 0) throw new RedisUrlError("a user needs a password, or a password a colon in front of it");
	const username = decode(text.slice(0, colon), "the user");
	return {
		username: username === "" ? undefined : username,
		password: decode(text.slice(colon + 1), "the password"),
	};
}

/** Hosts are not repeated in errors: a password that is not percent-encoded may have ended up among them. */
function parsePlace(text: string, defaultPort: number): Place {
	const [, bracketed, plain, port] = /^(?:\[([\da-f:.%]+)\]|([^\s:[\]@#]+))(?::(\d+))?$/i.exec(text) ?? [];
	const host = bracketed ?? plain;
	const number = port === undefined ? defaultPort : Number(port);
	if (host === undefined || number < 1 || number > 65_535)
		throw new RedisUrlError(
			"each host must be like name:6379, 10.0.0.1:6379 or [::1]:6379, and special characters in user and password percent-encoded",
		);
	return { host, port: number };
}

const sentinelParameters = ["sentinel_username", "sentinel_password"];

function parseParameters(query: string, known: readonly string[]): URLSearchParams {
	const parameters = new URLSearchParams(query);
	if ([...parameters.keys()].some((name) => !known.includes(name)))
		throw new RedisUrlError(
			`behind the question mark there may be ${known.length === 0 ? "nothing" : known.join(" and ")}`,
		);
	return parameters;
}

function checkDatabase(segments: readonly string[], max: number): void {
	const [database = "0", ...rest] = segments;
	if (rest.length > 0 || !/^\d+$/.test(database) || Number(database) > max)
		throw new RedisUrlError(
			max === 0 ? "there may be nothing behind the hosts" : "the database must be a number, and end the path",
		);
}

function decode(text: string, what: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		throw new RedisUrlError(`${what} must be percent-encoded`);
	}
}
