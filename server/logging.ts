import { createRequire } from "node:module";
import type { Logger } from "pino";
import type { Settings } from "./settings.ts";

const load = createRequire(import.meta.url);

/** Of lines that nobody has read yet; more are dropped. */
const waitingCharactersMax = 16 * 1024 * 1024;

/**
 * A logger for people (`pretty`) or for machines (one JSON object a line), on standard output. Neither document
 * contents nor tokens are ever given to it.
 */
export function createLogger({
	logLevel,
	logFormat,
}: Readonly<Pick<Settings, "logLevel" | "logFormat">>): Logger {
	const { destination, pino, stdSerializers } = loadPino();
	const isPretty = logFormat === "pretty" || (logFormat === "auto" && process.stdout.isTTY === true);
	const stream = isPretty
		? prettyPrinter()({ ignore: "pid,hostname", translateTime: "SYS:HH:MM:ss", singleLine: true, sync: true })
		: // Whoever reads it may stop reading. What is left is written when the process ends, and what is fatal at once.
			destination({ fd: 1, sync: false, maxLength: waitingCharactersMax });
	return pino({ level: logLevel, base: null, serializers: { err: stdSerializers.err } }, stream);
}

/** Not for whoever brings a logger. */
function loadPino(): typeof import("pino") {
	return load("pino");
}

/** Only a terminal needs it. */
function prettyPrinter(): typeof import("pino-pretty") {
	return load("pino-pretty");
}
