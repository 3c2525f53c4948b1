import { Connection } from "@hocuspocus/server";
import { decodeStateVector } from "yjs";
import { closeSocket, gateCloseEvents } from "../durability/ack-gate.ts";
import { integratedState } from "../durability/stored-updates.ts";
import { type Incoming, inspectIncoming, isEmptyUpdate } from "../durability/wire.ts";
import { acknowledgementBody, refusalBody, updateBody } from "./bodies.ts";
import { bringsNothing } from "./brings-nothing.ts";
import { type Body, Bundle } from "./bundle.ts";
import { type Admitted, type Gate, type Gates, openGate } from "./gate.ts";
import { stateVectorOf } from "./join-state.ts";
import type { Failure, LiveDocument } from "./live-document.ts";
import { isOfNobody } from "./lobby.ts";
import { messagesOf } from "./message-queue.ts";
import type { Outgoing } from "./outgoing.ts";
import { isPaced, type PacedSocket, type Route } from "./paced-socket.ts";
import type { SyncContext } from "./sync-context.ts";

/** Of a client that reads more slowly than others write: where it stopped. */
interface Backlog {
	/** All that it was sent up to then. */
	readonly stateVector: Uint8Array;
	hasMissedUpdates: boolean;
	/** Whose presence it has missed. */
	readonly presence: Set<number>;
	/** What it has asked for meanwhile: the state vector of its last `SyncStep1`. */
	step1: Uint8Array | undefined;
}

/** @throws when there is none: then nothing would be stored of what comes. */
function gateOf(connection: Connection, gates: Gates): Gate {
	const gate = gates.gateOf(connection);
	if (gate === undefined) throw new Error("a connection without a gate");
	return gate;
}

/** What somebody has who was sent nothing. */
const emptyStateVector = new Uint8Array([0]);

/** One client of a document. */
export class Peer implements Route {
	readonly connection: Connection;
	readonly gate: Gate;
	readonly #live: LiveDocument;
	readonly #context: SyncContext;
	/** See {@link Bundle}. */
	readonly address: Uint8Array;
	/** `undefined` for a stock server's. */
	readonly #socket: PacedSocket | undefined;
	readonly #handleNow: Connection["handleMessage"];
	/** Whether its first `SyncStep1` was answered before there was this connection. */
	#wasGiven: boolean;
	/** Updates that the document has received and not applied. */
	#unapplied = 0;
	#acknowledgements = 0;
	/** When the oldest edit of these was received, if that is to be measured. */
	#acknowledgedSinceMs: number | undefined;
	#backlog: Backlog | undefined;
	#cancelCatchUp: (() => void) | undefined;

	/** Takes over a connection that has just been added to its document. */
	constructor(connection: Connection, live: LiveDocument, context: SyncContext) {
		this.connection = connection;
		this.#live = live;
		this.#context = context;
		this.address = live.addressOf(connection);
		this.#wasGiven = live.takeGiven(connection, this.address);
		this.#socket = isPaced(connection.webSocket) ? connection.webSocket : undefined;
		this.gate = context.gates === undefined ? openGate() : gateOf(connection, context.gates);
		this.gate.acknowledgeWith((count, sinceMs) => this.#acknowledge(count, sinceMs));
		this.#handleNow = connection.handleMessage;
		connection.handleMessage = (frame) => {
			try {
				this.#receive(frame);
			} catch (error) {
				this.#failed(error);
			}
		};
		this.#socket?.route(this);
	}

	/** From its socket. Others may have put something before the method, as what limits a client's edits does. */
	receive(frame: Uint8Array): void {
		try {
			this.connection.handleMessage(frame);
		} catch (error) {
			this.#failed(error);
		}
	}

	/** Nobody can look into the document: its message is lost, and it comes back with it [TRN5]. */
	#failed(error: unknown): void {
		this.#context.failed(this.#live, error);
		closeSocket(this.connection, gateCloseEvents.documentLeft);
	}

	/** The connection is no longer its document's. */
	removed(): void {
		this.#socket?.unroute(this);
		this.#forgetAcknowledgements();
		this.#cancelCatchUp?.();
		if (this.#backlog !== undefined) this.#context.figures.slowReadersNow -= 1;
		this.#backlog = undefined;
	}

	/** Whether it has stopped reading and is to be brought up to date when it reads again. */
	get isBehind(): boolean {
		return this.#backlog !== undefined;
	}

	/** Whether too much is waiting for it to read [TRN2]. */
	get isOverfull(): boolean {
		return this.#socket !== undefined && this.#socket.bufferedBytes > this.#context.readerBacklogBytesMax;
	}

	/** @param isAuthor Whether all the updates are its own. */
	deliver(outgoing: Outgoing, isAuthor: boolean): void {
		const acknowledgements = this.#takeAcknowledgements();
		const bundle = isAuthor
			? outgoing.forAuthor(this.address, acknowledgements)
			: outgoing.all(this.address, acknowledgements);
		if (bundle !== undefined) this.#send(bundle);
		this.#acknowledged(acknowledgements);
		if (!isAuthor) this.#delivered(outgoing.updates.length);
	}

	/** Its oldest update was applied, or could not be. */
	applied(failure?: Failure): void {
		this.#unapplied -= 1;
		switch (failure) {
			case "unreadable":
				this.gate.failed();
				break;
			case "refused":
				this.#send(new Bundle(this.address, [refusalBody]));
				this.gate.refused();
				break;
			default:
				this.gate.applied();
		}
	}

	/** What is not sent already. */
	sendAcknowledgements(): void {
		const count = this.#takeAcknowledgements();
		if (count === 1) this.#send(this.#live.acknowledgement(this.address));
		else if (count > 1) this.#send(new Bundle(this.address, new Array(count).fill(acknowledgementBody)));
		this.#acknowledged(count);
	}

	/** Stops sending to it. @param stateVector What it was sent up to now. */
	fallBehind(stateVector: Uint8Array): void {
		if (this.#backlog !== undefined || this.#socket === undefined) return;
		this.#backlog = { stateVector, hasMissedUpdates: false, presence: new Set(), step1: undefined };
		const { figures } = this.#context;
		this.#socket.timesBehind += 1;
		figures.slowReaders += 1;
		figures.slowReadersNow += 1;
		this.#cancelCatchUp = this.#socket.onceDrained(() => this.#catchUp());
	}

	/** Others were sent something. */
	missed(hasUpdates: boolean, presence: readonly number[] = []): void {
		const backlog = this.#backlog;
		if (backlog === undefined) return;
		backlog.hasMissedUpdates ||= hasUpdates;
		for (const clientId of presence) backlog.presence.add(clientId);
	}

	#receive(frame: Uint8Array): void {
		const incoming = inspectIncoming(frame);
		if (incoming.type === "update" || incoming.type === "step2") this.#count(incoming.payload);
		const admission = this.#live.screen?.admit(this.connection, frame, incoming);
		switch (admission?.type) {
			case "done":
				return;
			case "refused":
				this.#passOn(admission.message);
				return;
			case "instead":
				this.#handle(admission.message, inspectIncoming(admission.message));
				return;
			default:
				this.#handle(frame, incoming);
		}
	}

	#handle(frame: Uint8Array, incoming: Incoming): void {
		if (incoming.type === "step1") this.#beginsAnew();
		if (this.#isFree() && this.#take(incoming)) return;
		if (incoming.type === "update" || incoming.type === "step2") this.#live.updatePassedOn(frame);
		this.#passOn(frame);
	}

	/** With its `SyncStep1`, a client forgets what it has counted. */
	#beginsAnew(): void {
		this.#live.settle();
		this.#forgetAcknowledgements();
	}

	/** The client would take them for those of other edits [DUR1]. */
	#forgetAcknowledgements(): void {
		this.#acknowledgements = 0;
		this.#acknowledgedSinceMs = undefined;
	}

	/** Whoever handles it sees the document as its sender left it. */
	#passOn(frame: Uint8Array): void {
		this.#live.settle();
		this.#handleNow.call(this.connection, frame);
	}

	/** Whether nobody watches, and no earlier message is still being handled: it must not be overtaken. */
	#isFree(): boolean {
		const { connection } = this;
		return (
			messagesOf(connection).length === 0 &&
			!this.#context.areMessagesWatched() &&
			connection.document.hasConnection(connection)
		);
	}

	/** @returns Whether the message was handled. */
	#take(incoming: Incoming): boolean {
		switch (incoming.type) {
			case "step1":
				return this.#answer(incoming.payload);
			case "step2":
			case "update":
				if (this.connection.readOnly) return false;
				this.#admit(incoming.type, incoming.payload);
				return true;
			case "presence":
				return !this.#context.isPresenceWatched() && this.#move(incoming.payload);
			default:
				return false;
		}
	}

	#count(update: Uint8Array): void {
		// What most send who join.
		if (isEmptyUpdate(update)) return;
		const { figures } = this.#context;
		figures.updates += 1;
		figures.updateBytes += update.byteLength;
		if (this.#socket !== undefined) this.#socket.edits += 1;
	}

	#admit(type: "step2" | "update", update: Uint8Array): void {
		const admission = this.gate.admit(type, update, this.#live.receivedMs());
		if (admission !== "refused") this.#edit(update, admission);
	}

	#edit(update: Uint8Array, admitted: Admitted): void {
		this.#unapplied += 1;
		// Most who join have nothing to add. What was sent before is answered first.
		const isIdle = this.#unapplied === 1 && !this.#live.hasReceived;
		if (isIdle && this.#bringsNothing(update)) this.applied();
		else this.#live.updateReceived(this, update, admitted);
	}

	#bringsNothing(update: Uint8Array): boolean {
		try {
			return bringsNothing(this.connection.document, update);
		} catch {
			return false;
		}
	}

	#move(presence: Uint8Array): boolean {
		try {
			this.#live.presenceReceived(this, presence);
			return true;
		} catch {
			// Whoever decodes it in earnest says what is wrong with it.
			return false;
		}
	}

	#answer(stateVector: Uint8Array): boolean {
		if (this.#backlog === undefined && this.isOverfull) this.fallBehind(emptyStateVector);
		return this.#backlog === undefined
			? this.#answerNow(stateVector)
			: this.#answerLater(stateVector, this.#backlog);
	}

	#answerNow(stateVector: Uint8Array): boolean {
		this.#live.settle();
		let answer: readonly Bundle[];
		try {
			answer = this.#answerTo(stateVector);
		} catch {
			return false;
		}
		this.gate.step1Received(stateVector);
		this.#sendAnswer(answer);
		return true;
	}

	/** With the state of then. */
	#answerLater(stateVector: Uint8Array, backlog: Backlog): boolean {
		try {
			decodeStateVector(stateVector);
		} catch {
			return false;
		}
		this.gate.step1Received(stateVector);
		// One answer is for all that it asks until then.
		if (backlog.step1 !== undefined) this.gate.step1Sent();
		backlog.step1 = stateVector.slice();
		return true;
	}

	/** @throws when the state vector can't be read. */
	#answerTo(stateVector: Uint8Array): readonly Bundle[] {
		const rest = this.#wasGiven && isOfNobody(stateVector) ? this.#live.rest(this.address) : undefined;
		this.#wasGiven = false;
		return rest !== undefined ? [rest] : this.#live.answer(stateVector, this.address);
	}

	#sendAnswer(answer: readonly Bundle[]): void {
		this.#context.figures.joins += 1;
		for (const bundle of answer) this.#send(bundle);
		this.gate.step1Sent();
		if (this.isOverfull) this.fallBehind(stateVectorOf(this.connection.document));
	}

	#acknowledge(count: number, sinceMs: number | undefined): void {
		this.#acknowledgements += count;
		this.#acknowledgedSinceMs ??= sinceMs;
		if (this.#backlog !== undefined) return;
		if (!this.#live.isFlushDue) this.#context.acknowledgements.send(this);
		else if (this.#acknowledgements === count) this.#live.acknowledgeWithFlush(this);
	}

	#takeAcknowledgements(): number {
		const count = this.#acknowledgements;
		this.#acknowledgements = 0;
		return count;
	}

	#delivered(updates: number): void {
		this.#context.figures.deliveries += updates;
		if (this.#socket !== undefined) this.#socket.deliveries += updates;
	}

	/** They have been sent. */
	#acknowledged(count: number): void {
		const sinceMs = this.#acknowledgedSinceMs;
		if (count === 0 || sinceMs === undefined) return;
		this.#acknowledgedSinceMs = undefined;
		this.gate.acknowledged(count, sinceMs);
	}

	/** It has read all that it was sent: one difference brings it up to date. */
	#catchUp(): void {
		const backlog = this.#backlog;
		const { document } = this.connection;
		if (backlog === undefined || !document.hasConnection(this.connection)) return;
		this.#backlog = undefined;
		this.#context.figures.slowReadersNow -= 1;
		const { hasMissedUpdates, presence, step1 } = backlog;
		// What it has asked for covers what it has missed.
		const isToBeUpdated = hasMissedUpdates && step1 === undefined;
		const acknowledgements = this.#takeAcknowledgements();
		const bodies: Body[] = new Array(acknowledgements).fill(acknowledgementBody);
		if (isToBeUpdated) bodies.push(updateBody(integratedState(document, backlog.stateVector)));
		if (presence.size > 0) bodies.push(this.#live.presenceOf(presence));
		if (bodies.length > 0) this.#send(new Bundle(this.address, bodies));
		if (isToBeUpdated) this.#delivered(1);
		this.#acknowledged(acknowledgements);
		if (step1 !== undefined) this.#sendAnswer(this.#answerTo(step1));
		else if (this.isOverfull) this.fallBehind(isToBeUpdated ? stateVectorOf(document) : backlog.stateVector);
	}

	#send(bundle: Bundle): void {
		if (this.#socket !== undefined) this.#socket.sendFramed(bundle.framed);
		// Not by the connection's own method, which is the gate's: what comes from here has passed it.
		else for (const message of bundle.messages) Connection.prototype.send.call(this.connection, message);
	}
}
