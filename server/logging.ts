import { destination, type Logger, pino, stdSerializers } from "pino";
import pretty from "pino-pretty";
import type { Settings } from "./settings.ts";

/**
 * A logger for people (`pretty`) or for machines (one JSON object a line), on standard output. Neither document
 * contents nor tokens are ever given to it.
 */
export function createLogger({
	logLevel,
	logFormat,
}: Readonly<Pick<Settings, "logLevel" | "logFormat">>): Logger {
	const isPretty = logFormat === "pretty" || (logFormat === "auto" && process.stdout.isTTY === true);
	// Synchronous, so that the last lines before an end are not lost.
	const stream = isPretty
		? pretty({ ignore: "pid,hostname", translateTime: "SYS:HH:MM:ss", singleLine: true, sync: true })
		: destination({ fd: 1, sync: true });
	return pino({ level: logLevel, base: null, serializers: { err: stdSerializers.err } }, stream);
}
