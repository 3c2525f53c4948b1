import { z } from "zod";
import { defaultLimits } from "../extensions/limits/defaults.ts";
import { documentNamePattern } from "../extensions/limits/document-name.ts";

const GiB = 2 ** 30;
const minuteMs = 60_000;

function bound(unit: string | undefined, max: number, initial: number, description: string) {
	const schema = z.int().min(0).max(max).default(initial);
	return schema.meta({ description: `${description}; 0 for no limit`, unit });
}

function isPattern(source: string): boolean {
	try {
		documentNamePattern(source);
		return true;
	} catch {
		return false;
	}
}

/** What is too much of connections and of what they send (extensions/limits). */
export const trafficSettings = {
	messagesPerSecondMax: bound(
		undefined,
		1_000_000,
		defaultLimits.messagesPerSecondMax,
		"messages from one connection per second, in the long run; ten times as many at once",
	),
	bytesPerSecondMax: bound(
		"bytes",
		64 * GiB,
		defaultLimits.bytesPerSecondMax,
		"bytes from one connection per second, in the long run; ten times as many at once",
	),
	userMessagesPerSecondMax: bound(
		undefined,
		10_000_000,
		defaultLimits.userMessagesPerSecondMax,
		"messages from all connections of one user per second, in the long run; ten times as many at once",
	),
	userBytesPerSecondMax: bound(
		"bytes",
		64 * GiB,
		defaultLimits.userBytesPerSecondMax,
		"bytes from all connections of one user per second, in the long run; ten times as many at once",
	),
	slowedMsMax: bound(
		"ms",
		60 * minuteMs,
		defaultLimits.slowedMsMax,
		"how long a client that sends too much is slowed, without a break, before it is closed",
	),
	connectionsPerAddressMax: bound(
		undefined,
		1_000_000,
		defaultLimits.connectionsPerAddressMax,
		"WebSockets from one public address, or one /64 of IPv6; more are refused with 429",
	),
	handshakesPerSecondMax: bound(
		undefined,
		100_000,
		defaultLimits.handshakesPerSecondMax,
		"new WebSockets from one public address per second, in the long run; fifty times as many at once",
	),
	limitPrivateAddresses: z.boolean().default(defaultLimits.limitPrivateAddresses).meta({
		description: "limit also what comes from one private or loopback address",
	}),
	connectionsPerUserMax: bound(
		undefined,
		1_000_000,
		defaultLimits.connectionsPerUserMax,
		"WebSockets of one user on this node; more are closed",
	),
	connectionsPerDocumentMax: bound(
		undefined,
		1_000_000,
		defaultLimits.connectionsPerDocumentMax,
		"clients of one document on this node; more are refused",
	),
	documentsPerConnectionMax: bound(
		undefined,
		100_000,
		defaultLimits.documentsPerConnectionMax,
		"documents open at a time on one WebSocket; more are refused",
	),
	unauthenticatedBytesMax: bound(
		"bytes",
		GiB,
		defaultLimits.unauthenticatedBytesMax,
		"bytes that are read from a client before it is let into a document or refused one",
	),
	documentNamePattern: z.string().min(1).refine(isPattern).optional().meta({
		description: "what document names must look like, as a whole; control characters are never allowed",
		allowed: "a regular expression of JavaScript, with flag u",
	}),
	shedIdleMs: bound(
		"ms",
		24 * 60 * minuteMs,
		2 * minuteMs,
		"how long a connection must have sent no edit to be closed while memory is short",
	),
};
