import type { IncomingMessage } from "node:http";
import { documentNamePattern } from "../extensions/limits/document-name.ts";
import { type LimitReports, Limits } from "../extensions/limits/index.ts";
import type { NodeSettings } from "./settings.ts";
import { clientAddressOf, type TrustedProxies } from "./transport/client-address.ts";

/** The limits on connections that the settings say. */
export function makeLimits(
	settings: NodeSettings,
	trustedProxies: TrustedProxies,
	reports: LimitReports,
): Limits {
	const { documentNamePattern: pattern } = settings;
	return new Limits({
		...settings,
		documentNamePattern: pattern === undefined ? undefined : documentNamePattern(pattern),
		addressOf: (request: IncomingMessage) => clientAddressOf(request, trustedProxies),
		reports,
		logger: undefined,
	});
}

/** What is kept of a client while the documents that it has asked for are looked up and loaded, as settings of Hocuspocus. */
export function queueLimits({ documentsPerConnectionMax, frameBytesMax }: NodeSettings) {
	const documents = documentsPerConnectionMax === 0 ? documentsMax : documentsPerConnectionMax;
	return {
		// Past it the connection is ended; those that are too many by less are refused one by one.
		maxPendingDocuments: documents * 2 + spareDocuments,
		maxUnauthenticatedQueueMessages: Math.max(documents * messagesPerDocument, queueMessagesMin),
		// One message of any size must fit.
		maxUnauthenticatedQueueSize: frameBytesMax + queueBytesMin,
	};
}

const documentsMax = 100_000;
const spareDocuments = 100;
/** A provider sends four at once for each; then whatever is drawn or typed meanwhile. */
const messagesPerDocument = 10;
/** A pen draws 60 in a second, and a document may take seconds to be loaded. */
const queueMessagesMin = 10_000;
/** Hocuspocus' own limit. */
const queueBytesMin = 5 * 1024 * 1024;
