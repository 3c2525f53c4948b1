import { format } from "node:util";
import { LinePace } from "../extensions/metrics/line-pace.ts";

export type ConsoleLevel = "debug" | "info" | "warn" | "error";

export interface ConsoleLine {
	readonly level: ConsoleLevel;
	readonly text: string;
	/** Lines of this kind that were left out since the last one. */
	readonly sinceLastLine?: number;
}

/** What Hocuspocus 4.7 says, as warnings and errors, of nothing but what a client has sent. */
const complaints = [
	"Received an authentication message on a connection that is already",
	"Unable to handle message of type",
	"Hocuspocus: closing connection",
];

/** How Hocuspocus 4.7 prints what these hooks throw: to throw is their way to refuse somebody, which is nothing to wake anybody for. */
const refusals = new Set(["[onAuthenticate]", "[onConnect]"]);

/** Made of what is printed when Hocuspocus closes a connection amid a message: a document's name may hold anything. */
const handledDocument = / \(while handling .*\) because of exception$/s;

/**
 * What is printed on the console, mostly by Hocuspocus and by hooks, as lines of the log. What clients send can't make it say
 * more than a few lines a second, nothing that somebody has to look at, and no name of a document: those are for `debug`.
 */
export class ConsoleLines {
	readonly #pace: LinePace;

	/** @param nowMs Of any clock that does not go back, as below. */
	constructor(nowMs: number) {
		this.#pace = new LinePace(nowMs);
	}

	/** @returns `undefined` when there have been too many. */
	take(level: ConsoleLevel, values: readonly unknown[], nowMs: number): ConsoleLine | undefined {
		if (level === "debug" || level === "info") return { level, text: format(...values) };
		if (isAboutMessage(values)) return { level: "debug", text: format(...values.map(withoutContent)) };
		const omitted = this.#pace.take(nowMs);
		if (omitted === undefined) return undefined;
		const text = format(...withoutDocument(values));
		const line = { level: isRefusal(values) ? ("warn" as const) : level, text };
		return omitted === 0 ? line : { ...line, sinceLastLine: omitted };
	}
}

function isRefusal([first]: readonly unknown[]): boolean {
	return typeof first === "string" && refusals.has(first);
}

function isAboutMessage(values: readonly unknown[]): boolean {
	const [first] = values;
	if (typeof first === "string" && complaints.some((complaint) => first.startsWith(complaint))) return true;
	return values.some(isUnreadable);
}

/** Where bytes can't be decoded, or text in them is no JSON. A hook's own JSON is its own. */
const readingPlaces = [
	/^ {4}at .*[\\/]lib0[\\/]/,
	/^ {4}at JSON\.parse .*\n {4}at .*[\\/](?:lib0|y-protocols|yjs)[\\/]/,
];

function isUnreadable(value: unknown): value is Error {
	return value instanceof Error && readingPlaces.some((place) => place.test(placesOf(value)));
}

/** V8 says what it has found in place of JSON. */
function withoutContent(value: unknown): unknown {
	return isUnreadable(value) ? `${value.name}\n${placesOf(value)}` : value;
}

/** Where an error was thrown, as its stack has it; an error's message may have several lines. */
function placesOf({ stack = "" }: Error): string {
	return /^ {4}at .*/ms.exec(stack)?.[0] ?? "";
}

function withoutDocument([first, ...others]: readonly unknown[]): readonly unknown[] {
	if (typeof first !== "string" || !first.startsWith("closing connection ")) return [first, ...others];
	return [first.replace(handledDocument, " because of exception"), ...others];
}
