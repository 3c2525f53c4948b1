import {
	type beforeSyncPayload,
	Connection,
	type ConnectionConfiguration,
	type Document,
	type Hocuspocus,
	OutgoingMessage,
	type onStatelessPayload,
} from "@hocuspocus/server";
import { closeCodes } from "./close-codes.ts";
import { credentialsIn, nameIn, sessionIn } from "./frames.ts";
import type { Session } from "./session.ts";
import { parametersOf } from "./web-request.ts";

/** What a `Connection` of Hocuspocus calls back. */
type Callbacks = Connection["callbacks"];

/** What a message takes that waits, beyond its bytes: objects of V8 (measured, 230 to 290). */
const messageBytes = 250;
/** What is made for a document of which a client speaks for the first time. */
const documentBytes = 1_000;

const noCallbacks: Callbacks["onClose"] = [];
/** For a hook that does not say why. */
const permissionDenied = "permission-denied";
/** As Hocuspocus has them. */
const forbidden = { code: 4403, reason: "Forbidden" } as const;
const unauthorized = { code: 4401, reason: "Unauthorized" } as const;

/**
 * A document that one client has open, or wants to open: from its first message for it until it has left. It is what Hocuspocus'
 * `Connection` calls back: methods of one object, as a function for each of them would take several times the memory.
 */
export class Visit implements Callbacks {
	/** Of its messages: the document's name, or that with the name of a provider's own session. */
	address: string;
	readonly #session: Session;
	readonly #configuration: ConnectionConfiguration = { readOnly: false, isAuthenticated: false };
	/** What hooks have said of the client. */
	#context: unknown = {};
	#providerVersion: string | null = null;
	/** Whether the client has shown credentials. */
	hasAsked = false;
	/** Once the client was let in and the document is in memory. */
	connection: Connection | undefined;
	/** What came before that. */
	#waiting: Uint8Array[] | undefined;
	waitingBytes = 0;
	/** The connection's own. */
	onClose: Callbacks["onClose"] = noCallbacks;

	constructor(session: Session, address: string) {
		this.#session = session;
		this.address = address;
	}

	get isAuthenticated(): boolean {
		return this.#configuration.isAuthenticated;
	}

	get waitingMessages(): number {
		return this.#waiting?.length ?? 0;
	}

	/** What it takes of a client that has not asked to open the document, and may never do so. */
	get earlyBytes(): number {
		return this.hasAsked ? 0 : documentBytes + messageBytes * this.waitingMessages + this.waitingBytes;
	}

	/** Keeps a message until there is a connection. */
	wait(frame: Uint8Array): void {
		this.#waiting ??= [];
		// Of its own: what came in one piece with it is not to wait with it.
		this.#waiting.push(new Uint8Array(frame));
		this.waitingBytes += frame.byteLength;
	}

	/**
	 * Has hooks look at what the client has shown, and lets it in. Never rejects.
	 * @param frame With its credentials.
	 */
	async enter(frame: Uint8Array): Promise<void> {
		const { socket, request, socketId, hocuspocus } = this.#session;
		const credentials = credentialsIn(frame);
		this.hasAsked = true;
		if (credentials === undefined) {
			socket.end(closeCodes.malformedMessage);
			return;
		}
		const { token, providerVersion } = credentials;
		this.#providerVersion = providerVersion;
		const add = this.#addContext.bind(this);
		const configuration = this.#configuration;
		try {
			await hocuspocus.hooks("onConnect", this.#payload(), add);
			await hocuspocus.hooks("onAuthenticate", { token, ...this.#payload() }, add);
			// Nothing is loaded for somebody who has gone.
			if (!socket.isOpen) return;
			configuration.isAuthenticated = true;
			const welcome = new OutgoingMessage(this.address).writeAuthenticated(configuration.readOnly);
			socket.letIn(welcome.toUint8Array());
			const document = await hocuspocus.createDocument(
				nameIn(this.address),
				request,
				socketId,
				configuration,
				this.#context,
			);
			const connection = this.#connect(document);
			// It was lost meanwhile.
			if (!socket.isOpen) connection.close();
			else await this.#connected(connection);
		} catch (error) {
			this.#refuse(error);
		}
	}

	#connected(connection: Connection): Promise<void> {
		const waiting = this.#waiting ?? [];
		this.#waiting = undefined;
		this.waitingBytes = 0;
		for (const frame of waiting) connection.handleMessage(frame);
		return this.#session.hocuspocus.hooks("connected", { ...this.#payload(), connection });
	}

	#connect(document: Document): Connection {
		const { socket, request, socketId } = this.#session;
		const connection = new Connection(
			socket,
			request,
			document,
			socketId,
			this.#context,
			this.#configuration.readOnly,
			sessionIn(this.address),
			this.#providerVersion,
		);
		// Some listen for its end already, as they are told of each connection that is added to the document.
		this.onClose = connection.callbacks.onClose.concat(this.#left.bind(this));
		connection.callbacks = this;
		this.connection = connection;
		// One text for all its clients.
		if (this.address === document.name) this.address = document.name;
		return connection;
	}

	/** What the client has sent meanwhile is forgotten: asking once more is asking for the first time. */
	#refuse(error: unknown): void {
		const { socket } = this.#session;
		if (this.connection === undefined) this.#session.forget(this);
		if (!socket.isOpen) return;
		const { reason } = Object(error || forbidden) as { readonly reason?: unknown };
		const why = typeof reason === "string" ? reason : permissionDenied;
		socket.refuse(new OutgoingMessage(this.address).writePermissionDenied(why).toUint8Array(), why);
	}

	/** The connection is no longer its document's. Nobody waits for it, and hooks that fail are logged. */
	async #left(document: Document): Promise<void> {
		const { hocuspocus } = this.#session;
		this.#session.forget(this);
		// What they bring is to be stored.
		await this.connection?.waitForPendingMessages();
		await hocuspocus.hooks("onDisconnect", this.#aboutDocument(document));
		unloadUnused(hocuspocus, document);
	}

	beforeHandleMessage(connection: Connection, update: Uint8Array): Promise<void> {
		const payload = { ...this.#aboutDocument(connection.document), connection, update };
		return this.#session.hocuspocus.hooks("beforeHandleMessage", payload);
	}

	afterHandleMessage(connection: Connection, update: Uint8Array): Promise<void> {
		const payload = { ...this.#aboutDocument(connection.document), connection, update };
		return this.#session.hocuspocus.hooks("afterHandleMessage", payload);
	}

	beforeSync(
		connection: Connection,
		{ type, payload }: Pick<beforeSyncPayload, "type" | "payload">,
	): Promise<void> {
		const { clientsCount, context, document, documentName } = this.#aboutDocument(connection.document);
		const about = { clientsCount, context, document, documentName, connection, type, payload };
		return this.#session.hocuspocus.hooks("beforeSync", about);
	}

	statelessCallback(payload: onStatelessPayload): Promise<void> {
		return this.#session.hocuspocus.hooks("onStateless", payload);
	}

	async onTokenSyncCallback({ token }: { readonly token: string }): Promise<void> {
		const { connection } = this;
		if (connection === undefined) return;
		const { document } = connection;
		const payload = { ...this.#payload(), token, document, connection };
		try {
			await this.#session.hocuspocus.hooks("onTokenSync", payload, this.#addContext.bind(this));
		} catch (error) {
			connection.close({ ...unauthorized, ...Object(error) });
		}
	}

	/** What hooks are given that are about a client which comes, a new object for each. */
	#payload() {
		const { hocuspocus, request, socketId } = this.#session;
		return {
			instance: hocuspocus,
			request,
			connectionConfig: this.#configuration,
			requestHeaders: request.headers,
			requestParameters: parametersOf(request),
			socketId,
			context: this.#context,
			providerVersion: this.#providerVersion,
			documentName: nameIn(this.address),
		};
	}

	/** The same for those that are about what a client does in its document. */
	#aboutDocument(document: Document) {
		const { hocuspocus, request, socketId } = this.#session;
		return {
			instance: hocuspocus,
			clientsCount: document.getConnectionsCount(),
			context: this.#context,
			document,
			socketId,
			documentName: document.name,
			requestHeaders: request.headers,
			requestParameters: parametersOf(request),
		};
	}

	/** What a hook returns. */
	#addContext(more: unknown): void {
		this.#context = { ...Object(this.#context), ...Object(more) };
	}
}

/** After its last client has left. What is still to be stored comes first; whatever stores it unloads the document then. */
function unloadUnused(hocuspocus: Hocuspocus, document: Document): void {
	// Somebody may have come while the hooks ran.
	if (document.getConnectionsCount() > 0) return;
	const storing = `onStoreDocument-${document.name}`;
	if (document.isLoading || !hocuspocus.debouncer.isDebounced(storing)) hocuspocus.unloadDocument(document);
	else if (hocuspocus.configuration.unloadImmediately) hocuspocus.debouncer.executeNow(storing);
}
