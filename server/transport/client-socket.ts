import {
	type Charged,
	isWorthCharging,
	type MeteredUser,
	type Newcomer,
	type NewcomerSocket,
	type Newcomers,
	type Sender,
	type Traffic,
	type TrafficMeter,
} from "../../extensions/limits/index.ts";
import { isOfNobody, type PacedSocket, type Route } from "../../extensions/sync/index.ts";
import type { Arrival } from "./admission-deadline.ts";
import type { ClientStream } from "./client-stream.ts";
import { type CloseCode, closeCodes } from "./close-codes.ts";
import {
	addressFieldOf,
	beginsWith,
	type ClientMessage,
	type IncomingFrame,
	inspectIncoming,
	isEdit,
	isMessageType,
	step1In,
} from "./frames.ts";
import { type Gatherer, Gathering } from "./gathering.ts";
import type { HeartbeatPeer } from "./heartbeat.ts";
import { endOf, noAnswer, type OurEnd, type SocketEnd, terminated } from "./socket-end.ts";
import type { WebSocketConnection, WebSocketHandlers } from "./web-socket-connection.ts";

export interface ClientSocketOptions {
	readonly documentNameBytesMax: number;
	readonly traffic: Traffic;
	readonly newcomers: Newcomers;
}

/** Whoever makes sense of the frames. */
export interface ClientSocketHandlers {
	message(frame: Uint8Array, message: ClientMessage): void;
	/** A client that has nothing of it asks for a document that it was let into under this address, and is not connected to yet. */
	asked(address: Uint8Array): void;
	close(event: { code: number; reason: string }): void;
	/** Of messages for documents that the client is not connected to yet. */
	readonly waitingBytes: number;
}

/** How long what a client is told waits for a document to be loaded, at least, in ms; twice as long at most. */
const gatheringMs = 250;
const gathering = new Gathering(gatheringMs);

/**
 * What Hocuspocus itself may send to a client that is not reading, in bytes, before the client is cut off: presence and answers to
 * messages that hooks watch, and stateless messages, which can't be left out. Edits and presence are paced (extensions/sync).
 */
const unpacedBytesMax = 32 * 1024 * 1024;

/** How long a client whose socket is not read has to take note of its end. */
const farewellMs = 2_000;

/**
 * As how many messages a refused document counts: looking at a token costs more than a message, and somebody may try many. A
 * client whose token has expired, with hundreds of documents on one socket, is below what may come at once.
 */
const messagesPerDenial = 20;

/** Why nothing of a socket is read now. */
const held = { byRate: 1, beforeAdmission: 2 } as const;

const passingDenials: ReadonlyMap<string, CloseCode> = new Map(
	[closeCodes.storeUnavailable, closeCodes.authUnavailable].map((close) => [close.reason, close]),
);

const closeFor: Partial<Record<IncomingFrame["type"], CloseCode>> = {
	malformed: closeCodes.malformedMessage,
	"invalid-document-name": closeCodes.invalidDocumentName,
};

/**
 * One client's socket, as Hocuspocus sees it: every frame in either direction passes here. It lets no frame in whose head
 * can't be read [TRN5], and drops a peer that does not answer pings [TRN1].
 */
export class ClientSocket
	implements PacedSocket, HeartbeatPeer, Arrival, Sender, Charged, NewcomerSocket, Gatherer, WebSocketHandlers
{
	readonly #connection: WebSocketConnection;
	/** What the connection is on. */
	readonly #stream: ClientStream;
	readonly #options: ClientSocketOptions;
	/** To be set at once. */
	handlers: ClientSocketHandlers | undefined;
	readonly #openedMs = performance.now();
	#routes: readonly Route[] = [];
	/** The address under which the client was last let into a document, until it is connected to it. */
	#letIn: Uint8Array | undefined;
	/** The address under which the client has last asked for all of a document, before it was let in. */
	#asked: Uint8Array | undefined;
	/** Made for those few who need it. */
	#whenDrained: Set<() => void> | undefined;
	/** Of what nobody paces: sent while earlier messages were waiting for the client to read them. */
	#sentUnpacedBytes = 0;
	/** For {@link Traffic}. */
	meter: TrafficMeter | undefined;
	user: MeteredUser | undefined;
	/** What has come and {@link Traffic} was not told of yet. */
	#unchargedMessages = 0;
	#unchargedBytes = 0;
	/** Until it was let into a document. */
	#newcomer: Newcomer | undefined;
	/** Of {@link held}. */
	#holds = 0;
	/** Documents that it was let into. */
	documents = 0;
	edits = 0;
	deliveries = 0;
	timesBehind = 0;
	/** Beats since it was opened, or has sent an edit. */
	#idleBeats = 0;
	/** What we have ended it with. */
	#ended: OurEnd | undefined;
	#isAlive = true;
	/** Whether it has asked for a document that it was not let into yet: an answer will follow. */
	#isAsking = false;
	/** Whether what it is told waits for that answer. */
	#isGathering = false;

	/** @param stream What the connection is on. */
	constructor(connection: WebSocketConnection, stream: ClientStream, options: ClientSocketOptions) {
		this.#connection = connection;
		this.#stream = stream;
		this.#options = options;
		connection.handlers = this;
		this.#newcomer = options.newcomers.add(this);
	}

	get readyState(): number {
		return this.#connection.readyState;
	}

	send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
		this.#send(data as Uint8Array);
		this.release();
	}

	/** @param welcome Tells the client that it is let into a document, which begins to be loaded now if it is not in memory. */
	letIn(welcome: Uint8Array): void {
		this.#letIntoDocument(addressFieldOf(welcome));
		this.#gather();
		this.#send(welcome);
	}

	/** @param denial Tells the client that it is not let into a document, of which nothing waits any more. */
	refuse(denial: Uint8Array, reason: string): void {
		this.#newcomer?.refused(this.handlers?.waitingBytes ?? 0);
		this.charge(messagesPerDenial);
		const passing = passingDenials.get(reason);
		// A provider takes a denial as final, but this one passes: only a closed socket makes it try again.
		if (passing !== undefined) this.end(passing);
		else this.send(denial);
	}

	#send(frame: Uint8Array): void {
		// Whoever asks for more and more, and reads nothing of it.
		if (!this.#stream.needsDrain) this.#sentUnpacedBytes = 0;
		else this.#sentUnpacedBytes += frame.byteLength;
		if (this.#sentUnpacedBytes > unpacedBytesMax) this.terminate();
		else this.#connection.send(frame);
	}

	/** Framing and the handshake included; 0 when it is on nothing that counts. */
	get receivedBytes(): number {
		return this.#stream.receivedBytes;
	}

	/** As {@link receivedBytes}. */
	get sentBytes(): number {
		return this.#stream.sentBytes;
	}

	/** How it ended, when it has. @param code What its `close` event says. */
	endOf(code: number): SocketEnd {
		return endOf(this.#ended, code);
	}

	/** When it was opened, by `performance.now()`. */
	get openedMs(): number {
		return this.#openedMs;
	}

	get bufferedBytes(): number {
		return this.#stream.waitingBytes;
	}

	sendFramed(frames: Uint8Array): void {
		this.#connection.sendFramed(frames);
		this.release();
	}

	route(route: Route): void {
		this.#letIn = undefined;
		this.#asked = undefined;
		this.#routes = [route, ...this.#routes];
	}

	unroute(route: Route): void {
		this.#routes = this.#routes.filter((other) => other !== route);
	}

	onceDrained(listener: () => void): () => void {
		if (this.#whenDrained === undefined) this.#stream.onceDrained(() => this.#drained());
		const listeners = this.#whenDrained ?? new Set();
		this.#whenDrained = listeners;
		listeners.add(listener);
		return () => listeners.delete(listener);
	}

	pauseReading(): void {
		this.#hold(held.byRate);
	}

	resumeReading(): void {
		this.#release(held.byRate);
	}

	charge(messages: number): void {
		this.#options.traffic.charge(this, messages, 0);
	}

	endForRate(): void {
		this.#hold(held.byRate);
		this.end(closeCodes.rateExceeded);
	}

	holdUnadmitted(isHeld: boolean): void {
		if (isHeld) this.#hold(held.beforeAdmission);
		else this.#release(held.beforeAdmission);
	}

	close(code = 1005, reason = ""): void {
		this.#ended ??= { code, reason };
		this.#connection.close(code, reason);
		this.release();
		this.#endUnheard();
	}

	end(close: CloseCode): void {
		this.#ended ??= close;
		this.#connection.close(close.code, close.reason);
		this.release();
		this.#endUnheard();
	}

	/** What is not read can't say that it has closed, too. */
	#endUnheard(): void {
		if (this.#holds > 0) setTimeout(() => this.terminate(), farewellMs).unref();
	}

	/** Without a closing handshake. */
	terminate(why = terminated): void {
		this.#ended ??= why;
		this.#connection.terminate();
	}

	get isAdmitted(): boolean {
		return this.documents > 0;
	}

	endForDelay(): void {
		this.end(closeCodes.authenticationTimeout);
	}

	get isOpen(): boolean {
		return this.#connection.isOpen;
	}

	/** For how many beats at least it has sent no edit. */
	get idleBeats(): number {
		return Math.max(0, this.#idleBeats - 1);
	}

	beat(): void {
		this.#idleBeats += 1;
		// What is not read can't be a sign of life.
		if (!this.#isAlive && this.#holds === 0) {
			this.terminate(noAnswer);
			return;
		}
		this.#isAlive = false;
		this.#connection.sendPing();
		// What does not leave can't be answered.
		this.release();
	}

	#drained(): void {
		const listeners = this.#whenDrained ?? [];
		this.#whenDrained = undefined;
		for (const listener of listeners) listener();
	}

	/** Told by the connection, as what follows. */
	arrived(bytes: number): void {
		this.#newcomer?.received(bytes);
	}

	closed(code: number): void {
		gathering.delete(this);
		this.#newcomer?.end();
		this.#options.traffic.forget(this);
		// What a client gives as its reason is for nobody here.
		this.handlers?.close({ code, reason: "" });
	}

	violated(close: CloseCode): void {
		this.#ended ??= close;
	}

	signOfLife(): void {
		this.#isAlive = true;
		this.#count(0);
	}

	received(frame: Uint8Array): void {
		this.#isAlive = true;
		// What was on its way when the socket was closed.
		if (!this.#connection.isOpen) return;
		this.#count(frame.byteLength);
		for (const route of this.#routes) {
			const { address } = route;
			if (!beginsWith(frame, address) || !isMessageType(frame[address.byteLength])) continue;
			if (isEdit(frame, address.byteLength)) this.#idleBeats = 0;
			route.receive(frame);
			return;
		}
		const incoming = inspectIncoming(frame, this.#options.documentNameBytesMax);
		if (incoming.type === "message") this.#pass(frame, incoming);
		const close = closeFor[incoming.type];
		if (close !== undefined) this.end(close);
	}

	#count(bytes: number): void {
		this.#unchargedMessages += 1;
		this.#unchargedBytes += bytes;
		if (!isWorthCharging(this.#unchargedMessages, this.#unchargedBytes)) return;
		this.#options.traffic.charge(this, this.#unchargedMessages, this.#unchargedBytes);
		this.#unchargedMessages = 0;
		this.#unchargedBytes = 0;
	}

	#hold(reason: number): void {
		this.#holds |= reason;
		this.#connection.pause();
	}

	#release(reason: number): void {
		if (this.#holds === 0) return;
		this.#holds &= ~reason;
		if (this.#holds > 0) return;
		// Whatever it has answered meanwhile is still to be read.
		this.#isAlive = true;
		this.#connection.resume();
	}

	#letIntoDocument(address: Uint8Array): void {
		this.documents += 1;
		this.#newcomer?.end();
		this.#newcomer = undefined;
		this.#letIn = address;
		const asked = this.#asked;
		if (asked !== undefined && Buffer.compare(asked, address) === 0)
			queueMicrotask(() => this.handlers?.asked(address));
		this.#asked = undefined;
	}

	/**
	 * What a client is told when it is let in leaves with the answer to what it has asked already, in one write, as long as the document does
	 * not take long to load. Whoever has not asked may wait for being let in; where the document is in memory, it is connected to it
	 * before the event loop goes on.
	 */
	#gather(): void {
		if (this.#isGathering) return;
		this.#stream.cork();
		this.#isGathering = true;
		if (this.#isAsking) gathering.add(this);
		else this.release();
		this.#isAsking = false;
	}

	/** What has gathered leaves, with all that is sent before the event loop goes on. */
	release(): void {
		if (!this.#isGathering) return;
		this.#isGathering = false;
		gathering.delete(this);
		process.nextTick(uncork, this.#stream);
	}

	/** What comes before the document is in memory waits for it; who asks for the document may be answered earlier. */
	#pass(frame: Uint8Array, message: ClientMessage): void {
		const { handlers } = this;
		const { typeAt } = message;
		if (isEdit(frame, typeAt)) this.#idleBeats = 0;
		const stateVector = step1In(frame, typeAt);
		if (stateVector !== undefined) this.#isAsking = true;
		if (stateVector !== undefined && isOfNobody(stateVector)) {
			const address = addressFieldOf(frame);
			// Providers ask at once, and are let in later.
			if (this.#letIn === undefined || Buffer.compare(this.#letIn, address) !== 0) this.#asked = address;
			else handlers?.asked(address);
		}
		handlers?.message(frame, message);
	}
}

function uncork(stream: ClientStream): void {
	stream.uncork();
}
