import type { Connection, Document, TransactionOrigin } from "@hocuspocus/server";
import { isTransactionOrigin } from "@hocuspocus/server";
import { applyUpdate, encodeStateVector, type Transaction, transact } from "yjs";
import { isEmptyUpdate } from "../durability/wire.ts";
import type { Trace } from "../tracing/trace.ts";
import { acknowledgementBody, addressField, updateBody } from "./bodies.ts";
import { applyBounded, TooManyConflictsError } from "./bounded-apply.ts";
import { type Body, Bundle } from "./bundle.ts";
import { FlushPace } from "./flush-pace.ts";
import type { Admitted } from "./gate.ts";
import { JoinState } from "./join-state.ts";
import type { EarlyAnswer, Waiting } from "./lobby.ts";
import { LoneUpdates } from "./lone-update.ts";
import { mergeMany } from "./merge-many.ts";
import { messagesOf } from "./message-queue.ts";
import type { MessageScreen } from "./message-screen.ts";
import { originOf } from "./origins.ts";
import { Outgoing } from "./outgoing.ts";
import { Peer } from "./peer.ts";
import { PresenceBatch } from "./presence-batch.ts";
import type { SyncContext } from "./sync-context.ts";

/** Updates that wait to be applied, in bytes: past it they don't wait any more. */
const batchBytesMax = 1024 * 1024;
/** Updates of which larger ones are sent one by one, in bytes: merging costs more than it saves. */
const mergeBytesMax = 64 * 1024;

/** Most updates take a hundredth of it to be applied, in ms. */
const costlyMs = 2;

/** What is smaller goes to everybody at once, in bytes. */
const largeBytesMin = 16 * 1024;
/** Of what is larger, what is sent in one turn of the event loop, in bytes, and the write that reaches it. */
const turnBytesMax = 64 * 1024;

/** When updates came that Hocuspocus handles, by their frames, which it has until it has handled them. */
const passedOnMs = new WeakMap<Uint8Array, number>();

interface ReceivedUpdate {
	readonly peer: Peer;
	readonly update: Uint8Array;
	readonly admitted: Admitted;
	/** Known once it was tried to apply it. */
	failure: Failure | undefined;
}

/** Why an update was not applied, or not all of it: its sender is told that it was refused, or is ended. */
export type Failure = "refused" | "unreadable";

/** What a flush has for everybody. */
interface Sending {
	readonly outgoing: Outgoing;
	readonly author: Author;
	readonly presence: readonly number[] | undefined;
	/** Those who come meanwhile are among them, and those who leave are not. */
	readonly peers: MapIterator<Peer>;
	readonly edits: number;
	readonly editedMs: number;
	readonly startedMs: number;
	readonly trace: Trace | undefined;
	/** What the document had at the flush. */
	stateVector: Uint8Array | undefined;
}

/** Whose change it was, when it was all one client's: `undefined` when nothing has changed, `null` for anything else. */
type Author = Connection | null | undefined;

/**
 * A document in memory, and how it goes from client to client: what clients send is applied in one transaction for all that came
 * between two flushes, and a flush sends each client one write.
 */
export class LiveDocument {
	readonly document: Document;
	/** What its clients send passes here first; `undefined` when there is no limit on it. */
	readonly screen: MessageScreen | undefined;
	readonly #context: SyncContext;
	readonly #joins: JoinState;
	readonly #pace: FlushPace;
	readonly #presence: PresenceBatch;
	readonly #loneUpdates: LoneUpdates;
	readonly #address: Uint8Array;
	/** Clients that have what was stored, and are not connected yet. */
	#given: Set<Waiting> | undefined;
	readonly #peers = new Map<Connection, Peer>();
	/** Received and not applied. Emptied, and not made anew, as what `DocumentLog` has queued. */
	readonly #received: ReceivedUpdate[] = [];
	#receivedBytes = 0;
	/** Applied and not sent. */
	readonly #changes: Uint8Array[] = [];
	#changesAuthor: Author;
	/** Changes that may be of more than the one that they come from. */
	#mixed: WeakSet<Transaction> | undefined;
	/** When the first of those came that wait to be applied, or did last. */
	#receivedMs = 0;
	/** Edits since the last flush, and when the first of them was received. */
	#edits = 0;
	#editedMs = 0;
	/** Of the edits that are on their way to the clients. */
	#trace: Trace | undefined;
	#acknowledgement: Bundle | undefined;
	/** Clients with acknowledgements that wait for the flush. */
	readonly #acknowledging: Peer[] = [];
	/** When the next flush is due: at the end of this turn of the event loop, or later; that can be taken back. */
	#due: "this-turn" | (() => void) | undefined;
	/** What some have been sent, and others not yet. */
	#sending: Sending | undefined;
	/** Whether {@link sendOn} is to be called. */
	#isSendingOn = false;

	/** @param early What clients have of it already. */
	constructor(document: Document, context: SyncContext, early?: EarlyAnswer) {
		this.document = document;
		this.#context = context;
		this.screen = context.screening?.screen(document, () => this.settle());
		this.#joins = new JoinState(document);
		this.#pace = new FlushPace(context.flushIntervalMs);
		this.#presence = new PresenceBatch(document);
		this.#loneUpdates = new LoneUpdates(document);
		this.#address = addressField(document.name);
		if (early !== undefined) {
			this.#given = new Set(early.given);
			this.#joins.loaded(early.updates);
		}
		this.#takeOver();
	}

	/** Whether something is on its way out; whatever goes to clients anyway can wait for it. */
	get isFlushDue(): boolean {
		return this.#due !== undefined;
	}

	/** Whether something waits to be applied. */
	get hasReceived(): boolean {
		return this.#received.length > 0;
	}

	/** @returns The peer's address, the same object for all who have the document's name for it. */
	addressOf(connection: Connection): Uint8Array {
		return connection.sessionId === null ? this.#address : addressField(connection.messageAddress);
	}

	/** When an update that comes now was received. What is applied together counts as received together, which spares a look at the clock. */
	receivedMs(): number {
		if (this.#received.length === 0) this.#receivedMs = this.#context.clock.now();
		return this.#receivedMs;
	}

	/** Hocuspocus is handed an update, and applies it once the hooks that watch have seen it. */
	updatePassedOn(frame: Uint8Array): void {
		passedOnMs.set(frame, this.#context.clock.now());
	}

	/** Takes an update that was admitted. */
	updateReceived(peer: Peer, update: Uint8Array, admitted: Admitted): void {
		this.#traceReceipt();
		this.#received.push({ peer, update, admitted, failure: undefined });
		this.#receivedBytes += update.byteLength;
		if (this.#receivedBytes > batchBytesMax) this.flush();
		else this.#schedule(this.#receivedMs);
	}

	/** @throws when the update can't be read. */
	presenceReceived(peer: Peer, update: Uint8Array): void {
		this.#presence.receive(peer.connection, update);
		this.#schedule();
	}

	/** Has this client's acknowledgements leave with the flush that is due. */
	acknowledgeWithFlush(peer: Peer): void {
		this.#acknowledging.push(peer);
	}

	/** Applies what was received, so that whoever looks at the document sees it. */
	settle(): void {
		this.#presence.apply();
		if (this.#received.length > 0) this.#applyReceived();
		this.screen?.settled();
	}

	#applyReceived(): void {
		const received = this.#received.splice(0);
		this.#receivedBytes = 0;
		// Who joins sends an update that holds nothing, and is no author.
		const edits = received.filter(holdsSomething);
		if (this.#edits === 0) this.#editedMs = this.#receivedMs;
		this.#edits += edits.length;
		this.#context.figures.batches += 1;
		const origin = originOf(edits.map(connectionOf));
		try {
			this.#traced(edits.length, () => this.#transact(received, origin));
		} catch (error) {
			// From an observer.
			this.#context.failed(this, error);
		}
		for (const { peer, failure } of received) peer.applied(failure);
	}

	#transact(received: readonly ReceivedUpdate[], origin: TransactionOrigin): void {
		const [first] = received;
		const lone = received.length === 1 ? first : undefined;
		const apply = (transaction: Transaction) => {
			// Or it is nested in somebody else's.
			if (lone !== undefined && transaction.origin === origin)
				this.#loneUpdates.expect(transaction, lone.update, lone.admitted);
			// What `applyUpdate` opens is no transaction of its own.
			this.#apply(received);
		};
		try {
			transact(this.document, apply, origin, false);
		} finally {
			this.#loneUpdates.forget();
		}
	}

	/** This turn of the event loop ends. */
	turnEnded(): void {
		if (this.#due === "this-turn") this.flush();
	}

	/** Sends everybody what they have not got. */
	flush(): void {
		// What this changes goes out now.
		this.settle();
		// Each gets it in order.
		this.#sendRest(Number.POSITIVE_INFINITY);
		if (typeof this.#due === "function") this.#due();
		this.#due = undefined;
		const { clock } = this.#context;
		const startedMs = clock.now();
		const presence = this.#presence.take();
		const updates = this.#takeChanges();
		const edits = this.#edits;
		const changes = edits + (presence?.clientIds.length ?? 0);
		const author = this.#changesAuthor;
		this.#changesAuthor = undefined;
		this.#edits = 0;
		if (updates.length > 0 || presence !== undefined) {
			const sending: Sending = {
				outgoing: new Outgoing(this.#address, updates, presence?.body),
				author,
				presence: presence?.clientIds,
				peers: this.#peers.values(),
				edits,
				editedMs: this.#editedMs,
				startedMs,
				trace: this.#trace,
				stateVector: undefined,
			};
			this.#trace = undefined;
			const isSent = this.#send(sending, turnBytesMax);
			const nowMs = clock.now();
			this.#pace.flushed(startedMs, nowMs - startedMs, changes, this.#peers.size);
			if (isSent) this.#sent(sending, nowMs);
		} else this.#endTrace(this.#takeTrace(), startedMs, startedMs);
		this.#acknowledge();
	}

	/** Sends what is large to the next ones who have not got it. */
	sendOn(): void {
		this.#isSendingOn = false;
		this.#sendRest(turnBytesMax);
	}

	#sendRest(bytesMax: number): void {
		const sending = this.#sending;
		this.#sending = undefined;
		if (sending !== undefined && this.#send(sending, bytesMax))
			this.#sent(sending, this.#context.clock.now());
	}

	/**
	 * Whether a client was given all that was stored, before its connection was made. It is so once: who opens the document again on
	 * the same socket may have nothing.
	 */
	takeGiven({ webSocket }: Connection, address: Uint8Array): boolean {
		for (const one of this.#given ?? []) {
			if (one.socket !== webSocket || Buffer.compare(one.address, address) !== 0) continue;
			this.#given?.delete(one);
			return true;
		}
		return false;
	}

	/** The answer to a `SyncStep1` that was answered with what was stored; `undefined` when that takes all of it. */
	rest(address: Uint8Array): Bundle | undefined {
		return this.#joins.rest(address);
	}

	/** The answer to a client's `SyncStep1`. @throws when the state vector can't be read. */
	answer(stateVector: Uint8Array, address: Uint8Array): readonly Bundle[] {
		const answer = this.#joins.answer(stateVector, address, address === this.#address);
		this.#context.joinStateKept(this);
		return answer;
	}

	/** Lets go of what is kept for those who join. */
	forgetJoins(): void {
		this.#given = undefined;
		this.#joins.clear();
		this.#acknowledgement = undefined;
	}

	/** One acknowledgement. */
	acknowledgement(address: Uint8Array): Bundle {
		if (address !== this.#address) return new Bundle(address, [acknowledgementBody]);
		this.#acknowledgement ??= new Bundle(address, [acknowledgementBody]);
		return this.#acknowledgement;
	}

	/** The presence of these clients as it is now. */
	presenceOf(clientIds: Iterable<number>): Body {
		return this.#presence.bodyOf(clientIds);
	}

	/** The first one of those that are applied together stands for all. */
	#traceReceipt(): void {
		const { tracing } = this.#context;
		if (tracing === undefined || this.#trace !== undefined || this.#received.length > 0) return;
		this.#trace = tracing.startEdit(this.#receivedMs);
		this.#trace?.begin();
	}

	/** Applies edits in the name of their trace, if they have one. */
	#traced(edits: number, apply: () => void): void {
		const { tracing, clock } = this.#context;
		const trace = this.#trace;
		if (tracing === undefined || trace === undefined) {
			apply();
			return;
		}
		const startMs = clock.now();
		trace.describe({ "indelible.edits": edits });
		trace.add("wait", this.#receivedMs, startMs);
		tracing.within(trace, apply);
		trace.add("apply", startMs, clock.now());
	}

	/** Another node traces what is being applied: how it goes on from here belongs to it. */
	#adoptTrace(): void {
		const current = this.#context.tracing?.current;
		if (current === undefined || this.#trace !== undefined) return;
		current.begin();
		this.#trace = current;
	}

	#takeTrace(): Trace | undefined {
		const trace = this.#trace;
		this.#trace = undefined;
		return trace;
	}

	/** All have been sent it. @param startMs When that began. */
	#endTrace(trace: Trace | undefined, startMs: number, nowMs: number): void {
		trace?.end("fan-out", startMs, nowMs, {
			attributes: { "indelible.clients": this.#peers.size },
		});
	}

	/**
	 * What is large goes to a few in each turn of the event loop: a write takes time for each byte, and other documents' edits wait.
	 * @returns Whether all have been sent it.
	 */
	#send(sending: Sending, bytesMax: number): boolean {
		const { outgoing, author, presence, peers } = sending;
		const bytesEach = outgoing.bytes < largeBytesMin ? 0 : outgoing.bytes;
		let bytes = 0;
		// It goes on from where it was left: a Map's iterator has nothing that would end it.
		for (const peer of peers) {
			if (peer.isBehind) {
				peer.missed(outgoing.updates.length > 0, presence);
				continue;
			}
			peer.deliver(outgoing, peer.connection === author);
			if (peer.isOverfull) {
				// What it was sent up to now is all that the document has.
				sending.stateVector ??= encodeStateVector(this.document);
				peer.fallBehind(sending.stateVector);
			}
			bytes += bytesEach;
			if (bytes < bytesMax) continue;
			// Later it may have more.
			sending.stateVector ??= encodeStateVector(this.document);
			this.#sending = sending;
			if (!this.#isSendingOn) this.#context.sendOn(this);
			this.#isSendingOn = true;
			return false;
		}
		return true;
	}

	#sent({ edits, editedMs, startedMs, trace }: Sending, nowMs: number): void {
		// There was somebody else to send them to.
		if (edits > 0 && this.#peers.size > 1) this.#context.figures.fanOut.observe(nowMs - editedMs, edits);
		this.#endTrace(trace, startedMs, nowMs);
	}

	#apply(received: readonly ReceivedUpdate[]): void {
		const { clock } = this.#context;
		let nowMs = clock.now();
		for (const one of received) {
			const startedMs = nowMs;
			try {
				const { update, admitted } = one;
				if (admitted.makesTypes && !one.peer.gate.bears(update, admitted.decoded))
					throw new Error("types are nested too deep");
				this.#applyOne(update, admitted);
			} catch (error) {
				// The others' updates are not touched by it.
				if (error instanceof TooManyConflictsError) {
					one.failure = "refused";
					this.screen?.stopped(one.peer.connection);
				} else {
					one.failure = "unreadable";
					this.#context.refused(one.peer.connection, error);
				}
			}
			nowMs = clock.now();
			if (nowMs - startedMs >= costlyMs) this.screen?.took(one.peer.connection, nowMs - startedMs);
		}
	}

	#applyOne(update: Uint8Array, { decoded }: Admitted): void {
		const effort = this.screen?.effort;
		if (effort === undefined) applyUpdate(this.document, update);
		else applyBounded(this.document, update, effort, decoded);
	}

	#takeChanges(): readonly Body[] {
		const changes = this.#changes.splice(0);
		if (changes.length <= 1) return changes.map(updateBody);
		const bytes = changes.reduce((sum, { byteLength }) => sum + byteLength, 0);
		return bytes > mergeBytesMax ? changes.map(updateBody) : [updateBody(mergeMany(changes))];
	}

	#acknowledge(): void {
		if (this.#acknowledging.length === 0) return;
		for (const peer of this.#acknowledging.splice(0)) peer.sendAcknowledgements();
	}

	#schedule(nowMs?: number): void {
		if (this.#due !== undefined) return;
		const { clock, turns } = this.#context;
		const waitMs = this.#pace.waitMs(nowMs ?? clock.now());
		// A timer is no more precise than a millisecond.
		if (waitMs < 1) {
			this.#due = "this-turn";
			turns.add(this);
		} else this.#due = clock.after(waitMs, () => this.#context.flush(this));
	}

	/**
	 * What Hocuspocus does for each change it leaves to these: its own methods for sending collect instead, and its flush is ours.
	 * It calls them at once when `flushDelay` is `false`.
	 */
	#takeOver(): void {
		const { document } = this;
		document.flushDelay = false;
		const seam = document as unknown as {
			broadcastUpdate(update: Uint8Array): void;
			broadcastAwarenessUpdate(clientIds: readonly number[]): void;
		};
		seam.broadcastUpdate = (update) => this.#changed(update);
		seam.broadcastAwarenessUpdate = (clientIds) => {
			this.#presence.changed(clientIds);
			this.#schedule();
		};
		document.flush = () => {
			this.flush();
			return document;
		};
		this.#containListeners();
		document.on("beforeTransaction", (transaction) => this.#begin(transaction));
		document.on("update", (_update: Uint8Array, origin: unknown, _document: unknown, transaction) => {
			this.#noteEdit(origin);
			this.#noteAuthor(this.#mixed?.has(transaction) ? undefined : origin);
		});
		const addConnection = document.addConnection.bind(document);
		document.addConnection = (connection) => {
			addConnection(connection);
			this.#context.spare(connection);
			this.#peers.set(connection, new Peer(connection, this, this.#context));
			return document;
		};
		const removeConnection = document.removeConnection.bind(document);
		document.removeConnection = (connection) => {
			// Its presence goes with it, and that which has not been applied must not come afterwards.
			try {
				this.settle();
			} catch (error) {
				// Nobody can look into the document, and all are to leave it.
				this.#context.failed(this, error);
			}
			this.#peers.get(connection)?.removed();
			this.#peers.delete(connection);
			return removeConnection(connection);
		};
	}

	/** What listeners of presence throw would end up in whoever's message, timer or closing socket has brought it about. */
	#containListeners(): void {
		const { awareness } = this.document;
		const emit = awareness.emit.bind(awareness);
		awareness.emit = (name, payload) => {
			try {
				emit(name, payload);
			} catch (error) {
				this.#context.failed(this, error);
			}
		};
	}

	#changed(update: Uint8Array): void {
		this.#joins.changed(update);
		this.#changes.push(update);
		this.#adoptTrace();
		this.#schedule();
	}

	/** Yjs may be holding back something that will come with this change, and is somebody else's. */
	#begin(transaction: Transaction): void {
		const { pendingStructs, pendingDs } = this.document.store;
		if (pendingStructs === null && pendingDs === null) return;
		this.#mixed ??= new WeakSet();
		this.#mixed.add(transaction);
	}

	/** Counts what Hocuspocus has applied; what was applied here is counted. */
	#noteEdit(origin: unknown): void {
		if (!isTransactionOrigin(origin) || origin.source !== "connection") return;
		const [frame] = messagesOf(origin.connection);
		const receivedMs = frame === undefined ? undefined : passedOnMs.get(frame);
		if (frame === undefined || receivedMs === undefined) return;
		passedOnMs.delete(frame);
		this.#editedMs = this.#edits === 0 ? receivedMs : Math.min(this.#editedMs, receivedMs);
		this.#edits += 1;
	}

	/** The author of all that has changed since the last flush has it. */
	#noteAuthor(origin: unknown): void {
		const author = isTransactionOrigin(origin) && origin.source === "connection" ? origin.connection : null;
		const isAlone = this.#changesAuthor === undefined || this.#changesAuthor === author;
		this.#changesAuthor = isAlone ? author : null;
	}
}

function holdsSomething({ update }: ReceivedUpdate): boolean {
	return !isEmptyUpdate(update);
}

function connectionOf({ peer }: ReceivedUpdate): Connection {
	return peer.connection;
}
