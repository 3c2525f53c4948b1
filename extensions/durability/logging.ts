import type { CommitLogEvent } from "./commit-log-event.ts";
import type { CompactorEvent } from "./compactor.ts";
import type { StoreReaderEvent } from "./store-reader.ts";

/** The part of a pino logger that the extension uses. */
export interface DurabilityLogger {
	debug(fields: object, message: string): void;
	info(fields: object, message: string): void;
	warn(fields: object, message: string): void;
	error(fields: object, message: string): void;
}

/** Only what somebody has to act on. */
export const consoleLogger: DurabilityLogger = {
	debug: () => {},
	info: () => {},
	warn: (fields, message) => console.warn(message, fields),
	error: (fields, message) => console.error(message, fields),
};

export type DurabilityEvent = CommitLogEvent | CompactorEvent | StoreReaderEvent;

const messages: Record<
	DurabilityEvent["type"],
	readonly [level: keyof DurabilityLogger, message: string] | undefined
> = {
	committed: undefined,
	compacted: ["debug", "compacted a document"],
	"store-recovered": ["info", "the store can be written again"],
	"document-recovered": ["info", "a document can be written again"],
	"backlog-relieved": ["info", "the write backlog has room again: writers are let in"],
	"reading-recovered": ["info", "what other nodes have stored can be read again"],
	"reading-failed": ["warn", "what other nodes have stored can't be read; trying again"],
	"reading-damaged": ["error", "a document that is open here does not read back from the store any more"],
	"entries-lost": [
		"error",
		"the store has lost what it had reported as durable (a failover, a restored backup?); what is in memory is stored anew",
	],
	"store-failed": ["error", "the store can't be written; acknowledgements are withheld until it can"],
	"document-failed": ["error", "a document can't be written; its acknowledgements are withheld until it can"],
	"compaction-failed": ["error", "a document could not be compacted; it was left as it is"],
	"backlog-full": ["error", "the write backlog is full: writers are closed with 1013"],
};

export function logEvent(logger: DurabilityLogger, event: DurabilityEvent): void {
	const entry = messages[event.type];
	if (entry === undefined) return;
	const [level, message] = entry;
	const { type: _type, ...fields } = event;
	// pino serialises an error under the key `err`.
	logger[level]("error" in fields ? { ...fields, error: undefined, err: fields.error } : fields, message);
}
