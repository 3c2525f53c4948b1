import type {
	afterLoadDocumentPayload,
	Connection,
	Document,
	Extension,
	onAuthenticatePayload,
	onConfigurePayload,
	onConnectPayload,
	onTokenSyncPayload,
	onUpgradePayload,
} from "@hocuspocus/server";
import { consoleLogger, type DurabilityLogger } from "../durability/logging.ts";
import { LinePace } from "../metrics/line-pace.ts";
import type { MetricSink } from "../metrics/metric-sink.ts";
import { Tally } from "../metrics/tally.ts";
import { nothing } from "../nothing.ts";
import { isAtLeast } from "./client-version.ts";
import { authCloseEvents, endConnection } from "./end-connection.ts";
import { Guard } from "./guard.ts";
import { Judge, type JudgeOptions } from "./judge.ts";
import { refuseUnknown } from "./known-options.ts";
import { isOriginAllowed } from "./origin.ts";
import { PresenceOwners } from "./presence.ts";
import { type Relay, readAuthMessage } from "./relay.ts";
import { type RevocationAction, type RevocationRequest, Revocations } from "./revocations.ts";
import { type Seat, Seats } from "./seats.ts";
import {
	type Credentials,
	type Grant,
	type Identity,
	nobody,
	type RefusalReason,
	type Verdict,
} from "./verdict.ts";

export interface AuthOptions extends JudgeOptions {
	/** What becomes of a connection whose token has expired and was not replaced; "close" by default. */
	readonly expiryAction?: RevocationAction | undefined;
	/** How long before the end a new token is asked for, in ms; 30 s by default. */
	readonly askAheadMs?: number | undefined;
	/** Whether presence is made to name whom the credentials name; true by default. */
	readonly stampPresence?: boolean | undefined;
	/** Oldest version of `@hocuspocus/provider` that is let in, such as `4.2`. */
	readonly clientVersionMin?: string | undefined;
	/** Origins of the pages that may connect, with `*` for anything, and `same-host`; all by default. */
	readonly allowedOrigins?: readonly string[] | undefined;
	/** How long a revocation is remembered, in ms; a day by default. Tokens should not be good for longer. */
	readonly revocationMemoryMs?: number | undefined;
	/** Whom a request is from, for the webhook; nobody knows it by default, as Hocuspocus does not say. */
	readonly addressOf?: ((request: Request) => string | undefined) | undefined;
	readonly logger?: DurabilityLogger | undefined;
	readonly onEvent?: ((event: AuthEvent) => void) | undefined;
}

const optionNames: Readonly<Record<keyof AuthOptions, true>> = {
	jwt: true,
	webhook: true,
	tickets: true,
	anonymous: true,
	expiryAction: true,
	askAheadMs: true,
	stampPresence: true,
	clientVersionMin: true,
	allowedOrigins: true,
	revocationMemoryMs: true,
	addressOf: true,
	logger: true,
	onEvent: true,
};

/** What has happened, for metrics. Nothing in it tells who it was. */
export type AuthEvent =
	| { readonly type: "granted"; readonly level: "read" | "roots" | "write" }
	| { readonly type: "refused"; readonly reason: RefusalReason | "origin-forbidden" }
	| { readonly type: "edit-refused" }
	| { readonly type: "expired" | "revoked"; readonly action: RevocationAction };

/** Of a new token on an open connection, whose old one is still good. */
const keepsGrant: ReadonlySet<RefusalReason> = new Set([
	"auth-unavailable",
	"token-missing",
	"token-expired",
]);

const originCharactersMax = 200;

const dayMs = 24 * 60 * 60_000;

/**
 * Decides who may open which document and what they may do there, by JSON Web Tokens, a webhook, signed tickets, or for
 * everybody by pattern; takes it away when it expires or is revoked. A Hocuspocus extension.
 *
 * An `onAuthenticate` hook in the server's configuration decides alone: nothing of the above is asked then, and presence is left as it
 * is. Origins, the oldest client version and revocations count in any case.
 */
export class Auth implements Extension {
	readonly extensionName = "Auth";
	/** Before others' hooks; behind Durability and Sync, whose handling of messages it has to precede. */
	readonly priority = 10_000;
	/** Under which a grant travels in Hocuspocus' context from `onAuthenticate` to the connection. A server may have two of us. */
	readonly #grantKey = Symbol("grant");
	readonly #options: AuthOptions;
	readonly #logger: DurabilityLogger;
	readonly #judge: Judge;
	readonly #seats: Seats;
	readonly #revocations: Revocations;
	readonly #owners = new WeakMap<Document, PresenceOwners>();
	readonly #guarded = new WeakSet<Connection>();
	readonly #events = new Tally("type", "detail");
	readonly #refusalLines = new LinePace(performance.now());
	#tell: (payload: string) => void = () => {};
	/** Whether a hook of the configuration decides. */
	#isOverruled = false;

	/** @throws {TypeError} when an option is unknown, or a key or a secret can't be used; the message holds nothing of it. */
	constructor(options: AuthOptions) {
		refuseUnknown("Auth", options, optionNames);
		this.#options = options;
		this.#logger = options.logger ?? consoleLogger;
		this.#judge = new Judge(options, (ticket) => this.#tell(JSON.stringify({ type: "ticket-used", ticket })));
		this.#revocations = new Revocations(options.revocationMemoryMs ?? dayMs);
		this.#seats = new Seats({
			askAheadMs: options.askAheadMs ?? 30_000,
			expiryAction: options.expiryAction ?? "close",
			onExpired: (action) => this.#emit({ type: "expired", action }),
		});
	}

	/** Has revocations and used tickets brought to the other nodes, by the `RedisBus` of this server. */
	connect(relay: Relay): void {
		const received = (payload: string) => this.#heard(payload);
		this.#tell = relay.join("auth", received, () => this.#repeat());
	}

	/**
	 * Ends or downgrades the connections of a user, or to a document, here and on the other nodes, and refuses the same credentials from
	 * now on.
	 * @returns How many connections of this node it has met.
	 * @throws {RangeError} when more was revoked lately than is remembered.
	 */
	revoke(request: RevocationRequest): number {
		const revocation = { ...request, atMs: Date.now() };
		if (this.#revocations.add(revocation, revocation.atMs) === "full")
			throw new RangeError("too much was revoked lately to remember more");
		this.#tell(JSON.stringify({ type: "revoked", revocation }));
		return this.#carryOut(request);
	}

	declareMetrics(sink: MetricSink): void {
		sink.tally(
			"indelible_access_events_total",
			"Documents opened for clients, by level; refusals, by reason; edits refused; and access that was ended",
			() => this.#events,
		);
	}

	async onConfigure({ configuration }: onConfigurePayload): Promise<void> {
		this.#isOverruled = typeof configuration.onAuthenticate === "function";
		if (this.#isOverruled && !this.#judge.isOpen)
			this.#logger.warn(
				{},
				"the onAuthenticate hook decides who may do what; the settings for it are not used",
			);
	}

	/** Rejects with nothing when it has answered the request itself. */
	onUpgrade({ request, socket }: onUpgradePayload): Promise<void> {
		const { allowedOrigins } = this.#options;
		if (allowedOrigins === undefined) return nothing;
		const { headers } = request;
		if (isOriginAllowed({ headers, localAddress: request.socket.localAddress }, allowedOrigins))
			return nothing;
		this.#emit({ type: "refused", reason: "origin-forbidden" });
		const omitted = this.#refusalLines.take(performance.now());
		if (omitted !== undefined)
			this.#logger.warn(
				{ origin: headers.origin?.slice(0, originCharactersMax), sinceLastLine: omitted },
				"a page of an origin that is not allowed was refused; if it is yours, name it with allowedOrigins (--allowed-origins)",
			);
		socket.on("error", () => {});
		socket.once("finish", () => socket.destroy());
		socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
		return Promise.reject();
	}

	onConnect(payload: onConnectPayload): Promise<void> {
		const { clientVersionMin } = this.#options;
		if (clientVersionMin === undefined || isAtLeast(payload.providerVersion, clientVersionMin))
			return nothing;
		return this.#refuseOutdated(payload, clientVersionMin);
	}

	async #refuseOutdated({ documentName, socketId }: onConnectPayload, versionMin: string): Promise<never> {
		const why = `the client is older than ${versionMin}`;
		return this.#refuse("client-outdated", why, { documentName, socketId });
	}

	onAuthenticate(payload: onAuthenticatePayload): Promise<object | undefined> {
		return this.#isOverruled || this.#judge.isOpen ? nothing : this.#authenticate(payload);
	}

	async #authenticate({
		token,
		documentName,
		requestHeaders,
		requestParameters,
		request,
		connectionConfig,
		socketId,
	}: onAuthenticatePayload): Promise<object> {
		const credentials = {
			documentName,
			token,
			ticket: requestParameters.get("ticket") ?? undefined,
			cookie: requestHeaders.get("cookie") ?? undefined,
			origin: requestHeaders.get("origin") ?? undefined,
			address: this.#options.addressOf?.(request),
		};
		const grant = await this.#decide(credentials, socketId);
		const { level } = grant.access;
		if (level !== "none") this.#emit({ type: "granted", level });
		connectionConfig.readOnly = level === "read";
		const { id, name } = grant.identity;
		const isKnown = id !== undefined || name !== undefined;
		return { [this.#grantKey]: grant, ...(isKnown ? { user: { id, name } } : {}) };
	}

	/** Hocuspocus closes the connection when this rejects, and knows no better code for it than 4401. */
	async onTokenSync({ token, documentName, connection, ...payload }: onTokenSyncPayload): Promise<void> {
		const seat = this.#seats.get(connection);
		if (this.#isOverruled || seat?.grant === undefined) return;
		const { requestHeaders } = payload;
		const credentials = {
			documentName,
			token,
			// It was used, and does not become good again.
			ticket: undefined,
			cookie: requestHeaders.get("cookie") ?? undefined,
			origin: requestHeaders.get("origin") ?? undefined,
			address: this.#options.addressOf?.(connection.request),
		};
		const verdict = await this.#judgeAnew(credentials);
		const before = seat.grant;
		if (!connection.document.hasConnection(connection)) return;
		if (verdict.type === "granted" && verdict.grant.identity.id === before.identity.id) {
			this.#seats.renew(seat, verdict.grant);
			this.#guard(seat);
			return;
		}
		// It has nothing new to show, or nobody can tell: what it has is good until it expires.
		if (verdict.type === "refused" && keepsGrant.has(verdict.reason)) return;
		const fields = { connection: connection.socketId };
		this.#logger.info(fields, "a new token was refused, and its connection ended");
		this.#logger.debug({ ...fields, documentName }, "this was its document");
		const isRevoked = verdict.type === "refused" && verdict.reason === "access-revoked";
		endConnection(connection, isRevoked ? authCloseEvents.accessRevoked : authCloseEvents.tokenRefused);
	}

	async afterLoadDocument({ document }: afterLoadDocumentPayload): Promise<void> {
		const addConnection = document.addConnection.bind(document);
		const removeConnection = document.removeConnection.bind(document);
		// Messages that came early are handled before the `connected` hook.
		document.addConnection = (connection) => {
			addConnection(connection);
			this.#seat(connection);
			return document;
		};
		document.removeConnection = (connection) => {
			removeConnection(connection);
			this.#seats.left(connection);
			this.#owners.get(document)?.left(connection);
			return document;
		};
	}

	async onDestroy(): Promise<void> {
		this.#seats.close();
	}

	#seat(connection: Connection): void {
		const context = Object(connection.context) as {
			readonly [key: symbol]: unknown;
			readonly user?: unknown;
		};
		const grant = context[this.#grantKey] as Grant | undefined;
		const seat = this.#seats.add(connection, grant, grant === undefined ? identityOf(context.user) : nobody);
		this.#guard(seat);
		// It may have been revoked while the document was loaded.
		const action = grant === undefined ? undefined : this.#revocationOf(grant, connection.document.name);
		if (action === undefined) return;
		connection.readOnly = true;
		if (action === "close") queueMicrotask(() => endConnection(connection, authCloseEvents.accessRevoked));
	}

	/** Only whoever needs one has one. */
	#guard(seat: Seat): void {
		const { connection, grant } = seat;
		if (grant === undefined || this.#guarded.has(connection)) return;
		const isStamped = this.#options.stampPresence !== false && !this.#judge.isOpen;
		if (!isStamped && grant.access.level !== "roots") return;
		this.#guarded.add(connection);
		const identity = () => seat.grant?.identity ?? nobody;
		const owners = isStamped ? this.#ownersOf(connection.document) : undefined;
		Guard.install(connection, {
			access: () => seat.access,
			presence: owners && {
				identity,
				maySpeak: (statement) => owners.maySpeak(connection, identity(), statement),
			},
			onEditRefused: () => this.#emit({ type: "edit-refused" }),
		});
	}

	#ownersOf(document: Document): PresenceOwners {
		const known = this.#owners.get(document) ?? new PresenceOwners(document);
		this.#owners.set(document, known);
		return known;
	}

	/** @throws What Hocuspocus tells the client. */
	async #decide(credentials: Credentials, socketId: string): Promise<Grant> {
		const verdict = await this.#judgeAnew(credentials);
		if (verdict.type === "granted") return verdict.grant;
		const { documentName } = credentials;
		return this.#refuse(verdict.reason, verdict.why, { documentName, socketId });
	}

	async #judgeAnew(credentials: Credentials): Promise<Verdict> {
		const verdict = await this.#judge.judge(credentials);
		if (verdict.type === "refused") return verdict;
		const action = this.#revocationOf(verdict.grant, credentials.documentName);
		if (action === "close")
			return { type: "refused", reason: "access-revoked", why: "the access was revoked" };
		if (action === undefined) return verdict;
		return { type: "granted", grant: { ...verdict.grant, access: { level: "read" } } };
	}

	#revocationOf({ identity, issuedAtMs }: Grant, documentName: string): RevocationAction | undefined {
		return this.#revocations.actionFor({ userId: identity.id, documentName, issuedAtMs }, Date.now());
	}

	#refuse(
		reason: RefusalReason,
		why: string,
		{ documentName, socketId }: { readonly documentName: string; readonly socketId: string },
	): never {
		this.#emit({ type: "refused", reason });
		this.#logRefusal({ connection: socketId, reason, why }, documentName);
		throw new AuthRefusal(reason);
	}

	/** Some of a storm. What a document is called may say more than an operator should read every day. */
	#logRefusal(
		fields: { readonly connection: string; readonly reason: RefusalReason; readonly why: string },
		documentName: string,
	): void {
		const omitted = this.#refusalLines.take(performance.now());
		if (omitted === undefined) return;
		const facts = omitted > 0 ? { ...fields, sinceLastLine: omitted } : fields;
		if (fields.reason === "auth-unavailable") this.#logger.warn(facts, "nobody could say who a client is");
		else this.#logger.info(facts, "a client was refused");
		this.#logger.debug({ ...fields, documentName }, "this was the document");
	}

	#carryOut(request: RevocationRequest): number {
		const met = this.#seats.revoke(request);
		this.#emit({ type: "revoked", action: request.action });
		this.#logger.info({ action: request.action, connections: met }, "access was revoked");
		return met;
	}

	#heard(payload: string): void {
		const message = readAuthMessage(payload);
		if (message?.type === "ticket-used") this.#judge.ticketUsed(message.ticket);
		if (message?.type !== "revoked") return;
		const added = this.#revocations.add(message.revocation, Date.now());
		if (added !== "known") this.#carryOut(message.revocation);
		if (added === "full") this.#logger.error({}, "too much was revoked lately to remember more");
	}

	#repeat(): void {
		for (const revocation of this.#revocations.all(Date.now()))
			this.#tell(JSON.stringify({ type: "revoked", revocation }));
	}

	#emit(event: AuthEvent): void {
		this.#events.add(event.type, detailOf(event));
		try {
			this.#options.onEvent?.(event);
		} catch (error) {
			// It is called amid what must go on.
			this.#logger.error({ err: error }, "the listener for auth events failed");
		}
	}
}

function detailOf(event: AuthEvent): string {
	switch (event.type) {
		case "granted":
			return event.level;
		case "refused":
			return event.reason;
		case "edit-refused":
			return "";
		default:
			return event.action;
	}
}

/** Without a message, as Hocuspocus prints messages and we have logged it. */
class AuthRefusal extends Error {
	override readonly name = "AuthRefusal";
	readonly reason: RefusalReason;

	constructor(reason: RefusalReason) {
		super("");
		this.reason = reason;
	}
}

/** As hooks name users: `{ user: { id, name } }` in their context. */
function identityOf(user: unknown): Identity {
	if (user === undefined) return nobody;
	const { id, name } = Object(user) as { id?: unknown; name?: unknown };
	return {
		id: typeof id === "string" ? id : undefined,
		name: typeof name === "string" ? name : undefined,
	};
}
