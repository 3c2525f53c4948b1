import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type {
	afterLoadDocumentPayload,
	Connection,
	Document,
	Extension,
	onConnectPayload,
	onUpgradePayload,
} from "@hocuspocus/server";
import type { DurabilityLogger } from "../durability/logging.ts";
import type { MetricSink } from "../metrics/metric-sink.ts";
import { nothing } from "../nothing.ts";
import { addressKey } from "./address-key.ts";
import { Addresses } from "./addresses.ts";
import { defaultLimits } from "./defaults.ts";
import { isDocumentNameAllowed } from "./document-name.ts";
import {
	endSocket,
	LimitRefusal,
	type LimitRefusalReason,
	leaveDocument,
	limitCloseEvents,
} from "./limit-close-events.ts";
import type { LimitListener, LimitName } from "./limit-event.ts";
import { LimitReports } from "./limit-reports.ts";
import { Newcomers } from "./newcomers.ts";
import { Occupants, type User } from "./occupants.ts";
import { PlainSender } from "./plain-sender.ts";
import { type Sender, Traffic } from "./traffic.ts";
import { userIdOf } from "./user-id.ts";

/** Each limit has a default in {@link defaultLimits}; 0 switches it off. */
export interface LimitsOptions extends Partial<Record<keyof typeof defaultLimits, number | boolean>> {
	/** Messages from one connection per second, in the long run; ten times as many at once. */
	readonly messagesPerSecondMax?: number;
	/** Bytes from one connection per second, in the long run; ten times as many at once. */
	readonly bytesPerSecondMax?: number;
	/** The same for all connections of one user. */
	readonly userMessagesPerSecondMax?: number;
	readonly userBytesPerSecondMax?: number;
	/** How long whoever sends too much is slowed, without a break, before it is closed, in ms; 0 for ever. */
	readonly slowedMsMax?: number;
	readonly connectionsPerAddressMax?: number;
	/** Handshakes from one address per second, in the long run; fifty times as many at once. */
	readonly handshakesPerSecondMax?: number;
	/** Whether private and loopback addresses are limited, too. */
	readonly limitPrivateAddresses?: boolean;
	readonly connectionsPerUserMax?: number;
	/** Of this server. */
	readonly connectionsPerDocumentMax?: number;
	readonly documentsPerConnectionMax?: number;
	/** Bytes that are read of a client before it was let into a document or refused. Only behind our own transport. */
	readonly unauthenticatedBytesMax?: number;
	/** What the whole of a document's name must match. */
	readonly documentNamePattern?: RegExp | undefined;
	/** Largest message that may come; two of them may come at once, whatever `bytesPerSecondMax` is. 32 MiB by default. */
	readonly frameBytesMax?: number;
	/** Whom a request is from; by default whoever has made the connection, which may be a proxy. */
	readonly addressOf?: ((request: IncomingMessage) => string | undefined) | undefined;
	/** Where else limits are reported; made from the two below by default. */
	readonly reports?: LimitReports | undefined;
	readonly logger?: DurabilityLogger | undefined;
	readonly onEvent?: LimitListener | undefined;
}

/** For how long, in seconds, whoever was still may send at once what a rate allows. */
const burstS = 10;
const burstFrames = 2;
const handshakeBurstS = 50;
/** Addresses without a connection that are remembered, some hundred bytes each. */
const addressesMax = 50_000;

/**
 * What is too much: of connections, and of what they send. A Hocuspocus extension; behind our own transport it is told of every
 * message there, and elsewhere where Hocuspocus hands them to a document.
 */
export class Limits implements Extension {
	readonly extensionName = "Limits";
	/** Behind Auth, so that whom it turns away has already been seated there, and is seen off by it. */
	readonly priority = 9_000;
	readonly traffic: Traffic;
	readonly newcomers: Newcomers;
	readonly reports: LimitReports;
	readonly #limits: typeof defaultLimits & LimitsOptions;
	readonly #addresses: Addresses;
	readonly #occupants = new Occupants();
	readonly #plainSenders = new WeakMap<object, PlainSender>();

	constructor(options: LimitsOptions = {}) {
		const limits = { ...defaultLimits, ...options } as typeof defaultLimits & LimitsOptions;
		const { frameBytesMax = 32 * 1024 * 1024, unauthenticatedBytesMax, slowedMsMax } = limits;
		const { logger, onEvent, reports = new LimitReports({ logger, onEvent }) } = options;
		const { handshakesPerSecondMax } = limits;
		this.#limits = limits;
		this.reports = reports;
		const rates = (messagesPerSecond: number, bytesPerSecond: number) => ({
			messages: { perSecond: messagesPerSecond, burst: messagesPerSecond * burstS },
			bytes: {
				perSecond: bytesPerSecond,
				burst: Math.max(bytesPerSecond * burstS, frameBytesMax * burstFrames),
			},
		});
		this.traffic = new Traffic({
			connection: rates(limits.messagesPerSecondMax, limits.bytesPerSecondMax),
			user: rates(limits.userMessagesPerSecondMax, limits.userBytesPerSecondMax),
			patienceMs: slowedMsMax || Number.POSITIVE_INFINITY,
			reports,
		});
		this.newcomers = new Newcomers({ bytesMax: unauthenticatedBytesMax, reports });
		this.#addresses = new Addresses({
			connectionsMax: limits.connectionsPerAddressMax,
			handshakes: { perSecond: handshakesPerSecondMax, burst: handshakesPerSecondMax * handshakeBurstS },
			addressesMax,
		});
	}

	declareMetrics(sink: MetricSink): void {
		this.reports.declareMetrics(sink);
	}

	/** Rejects with nothing when it has answered the request itself. */
	onUpgrade({ request, socket }: Pick<onUpgradePayload, "request" | "socket">): Promise<void> {
		const { addressOf = remoteAddress, limitPrivateAddresses } = this.#limits;
		const key = addressKey(addressOf(request), limitPrivateAddresses);
		if (key === undefined) return nothing;
		const verdict = this.#addresses.arrive(key, performance.now());
		if (verdict === "welcome") {
			if (socket.destroyed) this.#addresses.left(key);
			else socket.once("close", () => this.#addresses.left(key));
			return nothing;
		}
		this.reports.report({ type: "refused", limit: verdict });
		refuse(socket, refusals[verdict]);
		return Promise.reject();
	}

	/** Rejects before anything is asked or loaded for it. */
	onConnect({ instance, documentName, request }: onConnectPayload): Promise<void> {
		const { documentNamePattern, connectionsPerDocumentMax, documentsPerConnectionMax } = this.#limits;
		if (!isDocumentNameAllowed(documentName, documentNamePattern))
			return this.#refuse("document-name", "invalid-document-name");
		const clients = instance.documents.get(documentName)?.getConnectionsCount() ?? 0;
		if (isReached(clients, connectionsPerDocumentMax))
			return this.#refuse("connections-per-document", "document-full");
		if (isReached(this.#occupants.documentsOf(request), documentsPerConnectionMax))
			return this.#refuse("documents-per-connection", "too-many-documents");
		return nothing;
	}

	async afterLoadDocument({ document }: afterLoadDocumentPayload): Promise<void> {
		const addConnection = document.addConnection.bind(document);
		const removeConnection = document.removeConnection.bind(document);
		document.addConnection = (connection) => {
			addConnection(connection);
			this.#entered(connection);
			return document;
		};
		document.removeConnection = (connection) => {
			if (document.hasConnection(connection)) this.#occupants.leave(connection.request, performance.now());
			removeConnection(connection);
			return document;
		};
	}

	#entered(connection: Connection): void {
		const { document, request, webSocket } = connection;
		const user = this.#occupants.enter(request, userIdOf(connection.context));
		if (!isSender(webSocket)) this.#watch(connection, user);
		else if (user !== undefined) webSocket.user = user;
		// Hocuspocus is still at making it.
		if (this.#isOver(document, request, user)) queueMicrotask(() => this.#turnAway(connection, user));
	}

	/** Several may have come while the document was loaded, or while their tokens were looked at. */
	#isOver(document: Document, request: Request, user: User | undefined): boolean {
		const { connectionsPerDocumentMax, documentsPerConnectionMax, connectionsPerUserMax } = this.#limits;
		return (
			isPassed(document.getConnectionsCount(), connectionsPerDocumentMax) ||
			isPassed(this.#occupants.documentsOf(request), documentsPerConnectionMax) ||
			isPassed(user?.connections ?? 0, connectionsPerUserMax)
		);
	}

	#turnAway(connection: Connection, user: User | undefined): void {
		const { document } = connection;
		if (!document.hasConnection(connection)) return;
		const { connectionsPerDocumentMax, connectionsPerUserMax } = this.#limits;
		if (isPassed(user?.connections ?? 0, connectionsPerUserMax)) {
			this.reports.report({ type: "closed", limit: "connections-per-user" });
			endSocket(connection, limitCloseEvents.tooManyConnections);
		} else if (isPassed(document.getConnectionsCount(), connectionsPerDocumentMax)) {
			this.reports.report({ type: "refused", limit: "connections-per-document" });
			leaveDocument(connection, "document-full");
		} else {
			this.reports.report({ type: "refused", limit: "documents-per-connection" });
			leaveDocument(connection, "too-many-documents");
		}
	}

	/** On a server without our transport. */
	#watch(connection: Connection, user: User | undefined): void {
		const { webSocket } = connection;
		const sender = this.#plainSenders.get(webSocket) ?? new PlainSender(webSocket, this.traffic);
		this.#plainSenders.set(webSocket, sender);
		if (user !== undefined) sender.user = user;
		sender.entered();
		const handleMessage = connection.handleMessage.bind(connection);
		connection.handleMessage = (frame) => {
			sender.received(frame.byteLength);
			handleMessage(frame);
		};
		connection.onClose(() => sender.left());
	}

	async #refuse(limit: LimitName, reason: LimitRefusalReason): Promise<never> {
		this.reports.report({ type: "refused", limit });
		throw new LimitRefusal(reason);
	}
}

function isReached(count: number, max: number): boolean {
	return max > 0 && count >= max;
}

function isPassed(count: number, max: number): boolean {
	return max > 0 && count > max;
}

function isSender(socket: object): socket is Sender {
	return "pauseReading" in socket;
}

function remoteAddress({ socket }: IncomingMessage): string | undefined {
	return socket.remoteAddress;
}

const refusals = {
	"connections-per-address": "too many connections from this address",
	"handshakes-per-address": "too many attempts to connect from this address",
} as const;

/** As RFC 6585, section 4, says. */
function refuse(socket: Duplex, reason: string): void {
	socket.on("error", () => {});
	socket.once("finish", () => socket.destroy());
	const retryAfterS = 5 + Math.floor(Math.random() * 11);
	socket.end(
		`HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
			`Retry-After: ${retryAfterS}\r\nContent-Length: ${Buffer.byteLength(reason)}\r\n\r\n${reason}`,
	);
}
