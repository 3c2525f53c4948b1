import type { ClientConfig, CustomTypesConfig } from "pg";
import { StoreConfigurationError } from "../store.ts";
import type { ConnectionSettings } from "./connection-settings.ts";
import { driver } from "./driver.ts";

/** Beyond the server's own limit, for a server or a network that no longer answers. */
const answerMarginMs = 2_000;
const [bytea, bigint] = [17, 20];

/**
 * Human-readable place without user, password and parameters.
 * @throws {StoreConfigurationError} that does not hold the URL.
 */
export function locationOf(url: string): string {
	let parsed: URL;
	try {
		parsed = new URL(url);
	} catch {
		// The error would show the URL, which may hold a password.
		throw new StoreConfigurationError(`the database URL can't be read; ${expected}`);
	}
	if (parsed.protocol !== "postgres:" && parsed.protocol !== "postgresql:") {
		throw new StoreConfigurationError(`the database URL begins with ${parsed.protocol}; ${expected}`);
	}
	const host = parsed.host || parsed.searchParams.get("host") || "localhost";
	return `postgres://${host}${parsed.pathname === "/" ? "" : parsed.pathname}`;
}

const expected =
	"it must be like postgres://user:password@host:5432/database (percent-encode special characters in the password)";

/** Positions are far below 2^53, so that a number holds them. */
const parsers: CustomTypesConfig = {
	getTypeParser: (type, format) => {
		if (type === bigint) return Number;
		if (type === bytea) return parseBytes;
		return driver().types.getTypeParser(type, format);
	},
};

const hexMark = "\\x";

/** As the server writes them with `bytea_output = hex`, its default, or with `escape`. */
function parseBytes(text: string): Uint8Array {
	const bytes = text.startsWith(hexMark)
		? Buffer.from(text.slice(hexMark.length), "hex")
		: (driver().types.getTypeParser(bytea)(text) as unknown as Buffer);
	return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * The server ends connections of machines that are gone within half a minute: they hold locks that others see.
 * `jit` would take longer to compile statements than they run. A pooler may leave all of this out.
 */
const serverOptions = [
	"-c default_transaction_isolation=read\\ committed",
	"-c jit=off",
	"-c bytea_output=hex",
	"-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3",
].join(" ");

/**
 * One-statement transactions, each of which sees what was committed before it: whatever the server's or the role's
 * defaults are.
 * @param timeoutMs Instead of the settings' own.
 */
export function clientConfig(
	{ url, statementTimeoutMs }: ConnectionSettings,
	timeoutMs = statementTimeoutMs,
): ClientConfig {
	return {
		connectionString: url,
		application_name: "indelible",
		options: serverOptions,
		statement_timeout: timeoutMs,
		query_timeout: timeoutMs + answerMarginMs,
		connectionTimeoutMillis: statementTimeoutMs,
		keepAlive: true,
		keepAliveInitialDelayMillis: 10_000,
		types: parsers,
	};
}
