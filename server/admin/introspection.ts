import type { Connection, Document, Hocuspocus } from "@hocuspocus/server";
import { encodeStateAsUpdate } from "yjs";
import type { Durability } from "../../extensions/durability/index.ts";
import type { Linger } from "../../extensions/linger/index.ts";
import { ClientSocket } from "../transport/client-socket.ts";
import { closeCodes } from "../transport/close-codes.ts";
import { connectionsListedMax } from "./bounds.ts";
import { EditRates } from "./edit-rates.ts";
import type {
	ConnectionFacts,
	DocumentFacts,
	DocumentList,
	DocumentQuery,
	DocumentRow,
	MeasuredSize,
	Outcome,
} from "./facts.ts";
import { first, heaviest } from "./heaviest.ts";

export interface IntrospectionOptions {
	readonly hocuspocus: Hocuspocus;
	readonly durability: Durability;
	readonly linger: Linger;
	/** Bytes waiting for a client past which it gets nothing more. */
	readonly readerBacklogBytesMax: number;
}

/** Names in one answer, in UTF-16 code units altogether: they may be long, and answers travel between nodes. */
const nameLengthsMax = 256 * 1024;
/** How long unloading waits for a document's last edits to be saved and its connections to go; balancers wait for an answer for 5 s. */
const unloadMsMax = 4_000;
const unloadProbeMs = 20;

/**
 * Reads off a running node what operators want to know, when they ask; nothing is kept for it meanwhile. A question costs time in
 * proportion to the documents, or connections, that there are, and its answer is bounded.
 */
export class Introspection {
	readonly #options: IntrospectionOptions;
	readonly #rates = new EditRates();

	constructor(options: IntrospectionOptions) {
		this.#options = options;
	}

	documents({ search, sort, limit }: DocumentQuery): DocumentList {
		const { documents } = this.#options.hocuspocus;
		const wanted = search.toLowerCase();
		// Looking twice at each of thousands is for when that decides.
		const isRated = sort === "edits";
		const rows: DocumentRow[] = [];
		for (const document of documents.values())
			if (document.name.toLowerCase().includes(wanted)) rows.push(this.#row(document, isRated));
		const chosen = withinNameLengths(first(rows, sort, limit));
		if (isRated) return { matching: rows.length, rows: chosen };
		const rated = chosen.map((row) => {
			const document = documents.get(row.name);
			return document === undefined ? row : { ...row, editsPerS: this.#rate(document, row.edits) };
		});
		return { matching: rows.length, rows: rated };
	}

	document(documentName: string): DocumentFacts | undefined {
		const document = this.#options.hocuspocus.documents.get(documentName);
		if (document === undefined) return undefined;
		const row = this.#row(document, true);
		const stats = this.#options.durability.documentStats(documentName);
		const connections = heaviest([...document.connections.keys()], connectionsListedMax, (connection) =>
			this.#weightOf(connection),
		);
		return {
			name: row.name,
			snapshotBytes: stats?.snapshotBytes ?? 0,
			logBytes: stats?.logBytes ?? 0,
			logUpdates: stats?.logUpdates ?? 0,
			position: stats?.position ?? 0,
			isCompacting: stats?.isCompacting ?? false,
			waitingUpdates: stats?.waiting ?? 0,
			failure: stats?.failure?.slice(0, 1_000) ?? null,
			...contentFacts(document),
			present: document.awareness.getStates().size,
			edits: row.edits,
			editsPerS: row.editsPerS,
			lastEditMs: row.lastEditMs,
			people: row.people,
			direct: document.directConnectionsCount,
			connections: connections.map((connection) => this.#connection(connection)),
			measured: null,
		};
	}

	/** @returns How large a document is in memory and in the store; `undefined` for one that is not in memory. */
	async measure(documentName: string): Promise<MeasuredSize | undefined> {
		const { hocuspocus, durability } = this.#options;
		const document = hocuspocus.documents.get(documentName);
		if (document === undefined) return undefined;
		const stateBytes = encodeStateAsUpdate(document).byteLength;
		try {
			return { stateBytes, ...(await durability.storedSize(documentName)) };
		} catch {
			// Whether the store works is told elsewhere.
			return { stateBytes, snapshotBytes: null, logBytes: null, logUpdates: null };
		}
	}

	/** Those for whom most is waiting that they have not read; only those for whom anything is. */
	slowReaders(limit: number): readonly ConnectionFacts[] {
		const waiting: Connection[] = [];
		const sockets = new Set<unknown>();
		for (const { connections } of this.#options.hocuspocus.documents.values())
			for (const connection of connections.keys()) {
				const { webSocket } = connection;
				// What waits is the socket's, whatever it is of.
				if (bytesWaiting(webSocket) === 0 || sockets.has(webSocket)) continue;
				sockets.add(webSocket);
				waiting.push(connection);
			}
		const slowest = heaviest(waiting, limit, ({ webSocket }) => bytesWaiting(webSocket));
		return slowest.map((connection) => this.#connection(connection));
	}

	/** Ends a socket with all the documents that are open on it. @returns Whether there was one. */
	closeConnection(id: string): boolean {
		const ofSocket = [...this.#connections()].filter(({ socketId }) => socketId === id);
		for (const connection of ofSocket) endByOperator(connection);
		return ofSocket.length > 0;
	}

	/**
	 * Closes a document's connections and waits until it has left memory, which it does when all of it is saved [DUR6]. Its clients
	 * come back by themselves, and it is read from the store for them.
	 */
	async unload(documentName: string): Promise<Outcome> {
		const { hocuspocus, durability, linger } = this.#options;
		const document = hocuspocus.documents.get(documentName);
		if (document === undefined) return { done: true, detail: "The document was not in memory." };
		const connections = [...document.connections.keys()];
		linger.releaseDocument(document);
		for (const connection of connections) endByOperator(connection);
		const untilMs = performance.now() + unloadMsMax;
		const isOpen = () => hocuspocus.documents.get(documentName) === document;
		// When nobody was connected, nobody's leaving has it unloaded.
		void durability.durable(documentName).then(
			() => hocuspocus.unloadDocument(document),
			() => {
				// The node ends.
			},
		);
		// While the store fails, there is nothing to wait for.
		const canBe = () => durability.problems.length === 0 && performance.now() < untilMs;
		while (isOpen() && canBe()) await delay(unloadProbeMs);
		if (!isOpen()) {
			const closed = connections.length === 1 ? "1 connection" : `${connections.length} connections`;
			return { done: true, detail: `Everything is saved; ${closed} closed, and the document left memory.` };
		}
		return { done: false, detail: whyStillThere(document, durability) };
	}

	*#connections(): Generator<Connection> {
		for (const document of this.#options.hocuspocus.documents.values()) yield* document.connections.keys();
	}

	#row(document: Document, isRated: boolean): DocumentRow {
		const stats = this.#options.durability.documentStats(document.name);
		const edits = stats?.appended ?? 0;
		return {
			name: document.name,
			people: document.connections.size,
			edits,
			editsPerS: isRated ? this.#rate(document, edits) : 0,
			storedBytes: (stats?.snapshotBytes ?? 0) + (stats?.logBytes ?? 0),
			lastEditMs: document.lastChangeTime === 0 ? null : document.lastChangeTime,
		};
	}

	#rate(document: Document, edits: number): number {
		return this.#rates.rate(document, edits, performance.now());
	}

	/** Those for whom most is waiting come first, then those who wrote most. */
	#weightOf(connection: Connection): number {
		return bytesWaiting(connection.webSocket) * 2 ** 20 + this.#editsOf(connection);
	}

	#editsOf(connection: Connection): number {
		return this.#options.durability.gateOf(connection)?.edits ?? 0;
	}

	#connection(connection: Connection): ConnectionFacts {
		const { webSocket, socketId, document, providerVersion, readOnly } = connection;
		const waitingBytes = bytesWaiting(webSocket);
		return {
			id: socketId,
			document: document.name,
			sinceMs: webSocket instanceof ClientSocket ? sinceEpoch(webSocket.openedMs) : null,
			user: userOf(connection.context),
			client: providerVersion?.slice(0, 64) ?? null,
			readOnly,
			waitingBytes,
			isBehind: waitingBytes > this.#options.readerBacklogBytesMax,
			edits: this.#editsOf(connection),
		};
	}
}

function contentFacts({ store }: Document): Pick<DocumentFacts, "writers" | "structs" | "hasPending"> {
	let structs = 0;
	for (const ofClient of store.clients.values()) structs += ofClient.length;
	const hasPending = store.pendingStructs !== null || store.pendingDs !== null;
	return { writers: store.clients.size, structs, hasPending };
}

/** The whole socket: a provider does not come back to a document that was closed alone. */
function endByOperator(connection: Connection): void {
	const { code, reason } = closeCodes.closedByOperator;
	connection.close({ code, reason });
	connection.webSocket.close(code, reason);
}

function whyStillThere(document: Document, durability: Durability): string {
	const waiting = durability.documentStats(document.name)?.waiting ?? 0;
	if (waiting > 0)
		return `The document stays in memory: ${waiting} of its edits are not saved yet. It leaves when they are.`;
	if (document.directConnectionsCount > 0)
		return "The document stays in memory: code on the server has it open.";
	if (document.connections.size > 0)
		return "The document's clients were closed and came back before it could leave memory.";
	return "The document is still being saved, and leaves memory after that.";
}

function bytesWaiting(webSocket: unknown): number {
	return webSocket instanceof ClientSocket ? webSocket.bufferedBytes : 0;
}

function sinceEpoch(openedMs: number): number {
	return Math.round(performance.timeOrigin + openedMs);
}

/** As auth names users, and the ecosystem's hooks do: `{ user: { id } }` in the context. */
function userOf(context: unknown): string | null {
	const { user } = Object(context) as { readonly user?: unknown };
	const { id } = Object(user) as { readonly id?: unknown };
	return typeof id === "string" ? id.slice(0, 256) : null;
}

function withinNameLengths(rows: readonly DocumentRow[]): DocumentRow[] {
	let length = 0;
	const fitting: DocumentRow[] = [];
	for (const row of rows) {
		length += row.name.length;
		if (length > nameLengthsMax && fitting.length > 0) break;
		fitting.push(row);
	}
	return fitting;
}

function delay(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
