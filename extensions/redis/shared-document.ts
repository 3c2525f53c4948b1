import { type Document, IncomingMessage, isTransactionOrigin, MessageReceiver } from "@hocuspocus/server";
import { applyAwarenessUpdate } from "y-protocols/awareness";
import { applyUpdate, encodeStateAsUpdate, encodeStateVector, mergeUpdates } from "yjs";
import type { Clock } from "../durability/clock.ts";
import { Deliveries } from "./deliveries.ts";
import { documentKey, stateDigest } from "./digest.ts";
import {
	type DocumentFrame,
	type DocumentMessage,
	decodeFrame,
	type FrameWriter,
	type Position,
	type Receipt,
	readSender,
	speaksOurDialect,
} from "./frames.ts";
import type { DocumentReceipt } from "./node-messages.ts";
import { type AwarenessChange, Presence, presentIn, removalsIn } from "./presence.ts";
import type { BusOrigin, SharedLog } from "./shared-log.ts";
import { Unconfirmed } from "./unconfirmed.ts";

/** What a document needs of the bus. */
export interface BusContext {
	readonly frames: FrameWriter;
	readonly clock: Clock;
	readonly log: SharedLog | undefined;
	/** Larger ones are not published: Redis cuts off listeners that have too much to read. */
	readonly messageBytesMax: number;
	/** Whether an extension wants to see awareness messages. */
	readonly awarenessIsWatched: boolean;
	/** To everybody who has the document open. @returns The number of connections that received it. */
	publish(documentName: string, frame: Buffer): Promise<number | undefined>;
	/** To one node. */
	reply(recipient: string, frame: Buffer): void;
	/** {@link SharedDocument.flush} is due at the end of this turn. */
	flushSoon(document: SharedDocument): void;
	/** {@link SharedDocument.receipt} has changed. */
	receiptDue(document: SharedDocument): void;
	/** {@link SharedDocument.retryGaps} has something to do in a while. */
	gapOpened(document: SharedDocument): void;
	/** Something was missed that nobody may have open any more: read the store. */
	readStore(documentName: string): void;
}

type Phase =
	/** It is being read from the store. What comes meanwhile is kept. */
	| { readonly status: "loading" }
	/** Others are asked for what the store has not got yet. */
	| { readonly status: "joining"; readonly answered: Set<string>; isEnough: () => void }
	| { readonly status: "open" }
	| { readonly status: "left" };

interface Question {
	/** No other question before. */
	readonly untilMs: number;
	/** It was answered, and something is missing all the same. */
	isAnswered: boolean;
	/** How far the other node has said to be since. */
	news: Position | undefined;
}

/** For an answer to a question about a gap; and until the next question, when an answer did not close it. */
const answerMsMax = 2_000;
/** What is kept while the document loads, at most; more is dropped, because joining brings it anyway. */
const keptBytesMax = 8 * 1024 * 1024;
/** Others' updates that wait for their sender's confirmation, at most; more are logged here at once. */
const unconfirmedBytesMax = 1024 * 1024;

/**
 * One stay of a document in this node's memory, and what it says to and hears from the same document on other nodes.
 * It does not know how messages travel.
 */
export class SharedDocument {
	readonly name: string;
	/** The document's key in messages about many. */
	readonly key: string;
	readonly #stay: number;
	readonly #bus: BusContext;
	readonly #deliveries = new Deliveries();
	readonly #unconfirmed = new Unconfirmed();
	/** Nodes that were asked about a gap. */
	readonly #asked = new Map<string, Question>();
	#phase: Phase = { status: "loading" };
	#kept: Buffer[] = [];
	#keptBytes = 0;
	#document: Document | undefined;
	#presence: Presence | undefined;
	/** Updates of this turn. */
	#updates: Uint8Array[] = [];
	/** Client ids whose presence changed in this turn. */
	#presenceChanges = new Set<number>();
	#digest: string | undefined;
	#sequence = 0;
	#durable = 0;
	#isWatchingLog = false;
	/** When a stock node was last heard on the document's channel. */
	stockHeardMs = Number.NEGATIVE_INFINITY;
	/** When the digest is to be announced next. */
	digestDueMs = 0;
	/** Whether others are to be asked for presence, and told ours: they or we may have forgotten. */
	introductionDue = false;

	/** @param stay Higher than that of any document this node had in memory before. */
	constructor(name: string, stay: number, bus: BusContext) {
		this.name = name;
		this.key = documentKey(name);
		this.#stay = stay;
		this.#bus = bus;
	}

	get document(): Document | undefined {
		return this.#document;
	}

	get isOpen(): boolean {
		return this.#phase.status === "open";
	}

	get receipt(): DocumentReceipt {
		const isOpen = this.#phase.status !== "left";
		return { key: this.key, stay: this.#stay, sequence: this.#sequence, durable: this.#durable, isOpen };
	}

	get unconfirmedSinceMs(): number {
		return this.#unconfirmed.oldestMs;
	}

	/** See {@link SharedLog.answerFor}. */
	takeUnconfirmed(): readonly Uint8Array[] {
		return this.#unconfirmed.take();
	}

	/** See {@link stateDigest}; kept until the next change. */
	digest(): string {
		this.#digest ??= stateDigest(this.#opened());
		return this.#digest;
	}

	/** The store has been read. From now on messages are handled as they come. */
	loaded(document: Document): void {
		this.#document = document;
		const presence = new Presence(document);
		this.#presence = presence;
		this.#phase = { status: "joining", answered: new Set(), isEnough: () => {} };
		document.on("update", (update: Uint8Array, origin: unknown) => {
			this.#digest = undefined;
			if (isFromBus(origin)) return;
			this.#updates.push(update);
			this.#bus.flushSoon(this);
		});
		document.awareness.on("update", (change: AwarenessChange, origin: unknown) => {
			if (isFromBus(origin)) {
				if ("node" in origin) presence.changedThere(String(origin.node), change);
			} else this.#presenceChanged(presence.changedHere(change));
		});
		this.#watchConnections(document, presence);
		const kept = this.#kept;
		this.#kept = [];
		for (const frame of kept) this.receive(decodeFrame(frame), frame);
	}

	/**
	 * Asks the others for what the store does not have yet, and waits for those who have the document open.
	 * @param countListeners How many of them there are, given what publishing said.
	 */
	async join(timeoutMs: number, countListeners: (received: number) => Promise<number>): Promise<void> {
		const phase = this.#phase;
		if (phase.status !== "joining") return;
		const enough = Promise.withResolvers<void>();
		const cancel = this.#bus.clock.after(timeoutMs, enough.resolve);
		const asking = this.#askEveryone().then(async (received) => {
			const others = received === undefined ? 0 : (await countListeners(received)) - 1;
			phase.isEnough = () => {
				if (phase.answered.size >= others) enough.resolve();
			};
			phase.isEnough();
		});
		// It never rejects: what can't be sent counts as not received.
		await Promise.race([asking.then(() => enough.promise), enough.promise]);
		cancel();
		if (this.#phase === phase) this.#phase = { status: "open" };
	}

	/** The document has left memory. */
	leave(): void {
		this.flush();
		this.#phase = { status: "left" };
		this.#kept = [];
	}

	/** Publishes what this turn has brought. */
	flush(): void {
		if (this.#updates.length > 0) {
			const [first = new Uint8Array(), ...others] = this.#updates;
			this.#updates = [];
			this.#publishUpdate(others.length === 0 ? first : mergeUpdates([first, ...others]));
		}
		if (this.#presenceChanges.size > 0 && this.#presence !== undefined) {
			const update = this.#presence.encode([...this.#presenceChanges]);
			this.#presenceChanges.clear();
			this.#publish(this.#bus.frames.awareness(this.name, update));
		}
	}

	/** Tells a payload to the clients of other nodes. */
	publishStateless(payload: string): void {
		this.#publish(this.#bus.frames.stateless(this.name, payload));
	}

	/** Asks others for presence, and tells them ours. */
	introduce(): void {
		this.introductionDue = false;
		this.#publish(this.#bus.frames.queryAwareness(this.name));
		if (this.#presence?.hasLocal) this.#presenceChanged(this.#presence.localIds());
	}

	/** Has stock nodes, which know nothing of digests, compare states. */
	compareWithStock(): void {
		void this.#askEveryone();
	}

	/**
	 * Another node's message about this document.
	 * @param frame As it came.
	 * @throws when its payload can't be read.
	 */
	receive({ sender, message }: DocumentFrame, frame: Buffer): void {
		if (this.#phase.status === "loading") this.#keep(frame);
		else if (this.#phase.status !== "left") this.#handle(sender, message);
	}

	/** A node tells how far it is. */
	receiptCame(sender: string, receipt: DocumentReceipt): void {
		if (this.#phase.status === "loading" || this.#phase.status === "left") return;
		this.#unconfirmed.confirm(sender, receipt);
		if (this.#phase.status === "open" && this.#deliveries.lacks(sender, receipt)) {
			if (receipt.isOpen) this.#askAboutGap(sender, receipt);
			else this.#bus.readStore(this.name);
		}
		if (!receipt.isOpen) this.#deliveries.forget(sender);
	}

	/** A node tells the digest of its state. */
	digestCame(sender: string, digest: string): void {
		if (this.isOpen && digest !== this.digest()) this.#bus.reply(sender, this.#step1(true));
	}

	/** A node is gone: so is everybody who was there, and it will confirm nothing more. */
	nodeLeft(sender: string): void {
		this.#asked.delete(sender);
		this.#deliveries.forget(sender);
		this.#presence?.remove(sender, originOf(sender, true));
		if (this.#unconfirmed.holdsFrom(sender)) this.#bus.log?.complete(this.name);
	}

	/** Asks everybody, and the store, when the node that we asked about a gap has not answered. @returns Whether it waits on. */
	retryGaps(nowMs: number): boolean {
		let isUnanswered = false;
		for (const [sender, { untilMs, isAnswered }] of this.#asked) {
			if (nowMs < untilMs) continue;
			this.#asked.delete(sender);
			isUnanswered ||= !isAnswered;
		}
		if (isUnanswered && this.isOpen) {
			void this.#askEveryone();
			this.#bus.readStore(this.name);
		}
		return this.#asked.size > 0;
	}

	#handle(sender: string, message: DocumentMessage): void {
		if (!speaksOurDialect(sender)) this.stockHeardMs = this.#bus.clock.now();
		switch (message.type) {
			case "update":
				this.#updateCame(sender, message.update, message.receipt);
				break;
			case "step1":
				this.#answer(sender, message);
				break;
			case "step2":
				// What it brings is not in the log that we read, and the sender may only hold it for somebody who is gone.
				if (this.#mayLog()) this.#apply(sender, message.update, false);
				this.#answered(sender, message.position);
				break;
			case "stored":
				this.#bus.readStore(this.name);
				this.#answered(sender, message.position);
				break;
			case "same":
				this.#answered(sender, message.position);
				break;
			case "awareness":
				this.#awarenessCame(sender, message.update);
				break;
			case "query-awareness":
				this.#tellPresence(sender);
				break;
			case "stateless":
				this.#opened().relayStateless(message.payload);
		}
	}

	#updateCame(sender: string, update: Uint8Array, receipt: Receipt | undefined): void {
		// A stock node does not log.
		if (receipt === undefined) {
			if (this.#mayLog()) this.#apply(sender, update, false);
			return;
		}
		const delivery = this.#deliveries.arrived(sender, receipt);
		if (this.#bus.log !== undefined) {
			this.#unconfirmed.hold(sender, receipt, update, this.#bus.clock.now());
			this.#unconfirmed.confirm(sender, receipt);
			if (this.#unconfirmed.bytes > unconfirmedBytesMax) this.#bus.log.complete(this.name);
		}
		this.#apply(sender, update, true);
		// While it joins, it asks everybody anyway.
		if (delivery === "gap" && this.isOpen) this.#askAboutGap(sender);
	}

	/** Whether there is room for what we would have to log. What is dropped comes back with the next comparison of states. */
	#mayLog(): boolean {
		return this.#bus.log === undefined || this.#bus.log.accepting;
	}

	#apply(sender: string, update: Uint8Array, isLogged: boolean): void {
		const document = this.#opened();
		const { pendingStructs, pendingDs } = document.store;
		applyUpdate(document, update, originOf(sender, isLogged));
		const now = document.store;
		const isWaiting =
			(now.pendingStructs !== null && now.pendingStructs !== pendingStructs) ||
			(now.pendingDs !== null && now.pendingDs !== pendingDs);
		if (isWaiting && this.isOpen) this.#askAboutGap(sender);
	}

	#askAboutGap(sender: string, news?: Position): void {
		const question = this.#asked.get(sender);
		if (question !== undefined) {
			question.news = news ?? question.news;
			return;
		}
		this.#asked.set(sender, {
			untilMs: this.#bus.clock.now() + answerMsMax,
			isAnswered: false,
			news: undefined,
		});
		this.#bus.gapOpened(this);
		this.#bus.reply(sender, this.#step1(false));
	}

	#answered(sender: string, position: Position | undefined): void {
		if (position !== undefined) this.#deliveries.settle(sender, position);
		const question = this.#asked.get(sender);
		if (question !== undefined) this.#closeQuestion(sender, question);
		if (this.#phase.status !== "joining") return;
		this.#phase.answered.add(sender);
		this.#phase.isEnough();
	}

	#closeQuestion(sender: string, question: Question): void {
		const { pendingStructs, pendingDs } = this.#opened().store;
		// Asking again at once would bring the same.
		if (pendingStructs !== null || pendingDs !== null) {
			question.isAnswered = true;
			return;
		}
		this.#asked.delete(sender);
		if (question.news !== undefined && this.#deliveries.lacks(sender, question.news))
			this.#askAboutGap(sender);
	}

	#answer(sender: string, step1: DocumentMessage & { type: "step1" }): void {
		const { frames, log } = this.#bus;
		const isStock = step1.digest === undefined;
		const position = { stay: this.#stay, sequence: this.#sequence };
		if (!isStock && step1.digest === this.digest()) {
			if (step1.position !== undefined) this.#deliveries.settle(sender, step1.position);
			this.#bus.reply(sender, frames.same(this.name, position));
			return;
		}
		const difference = encodeStateAsUpdate(this.#opened(), step1.stateVector);
		if (difference.byteLength > this.#bus.messageBytesMax && !isStock && log !== undefined) {
			log.complete(this.name);
			// When the log is closed first there is no answer, and the other asks elsewhere.
			log.written(this.name).then(
				() => this.#bus.reply(sender, frames.stored(this.name, position)),
				() => {},
			);
		} else this.#bus.reply(sender, frames.step2(this.name, difference, position));
		if (step1.asksBack) this.#bus.reply(sender, this.#step1(false, !isStock));
	}

	#step1(asksBack: boolean, withDigest = true): Buffer {
		return this.#bus.frames.step1(this.name, {
			stateVector: encodeStateVector(this.#opened()),
			asksBack,
			digest: withDigest ? this.digest() : undefined,
			position: { stay: this.#stay, sequence: this.#sequence },
		});
	}

	#askEveryone(): Promise<number | undefined> {
		return this.#bus.publish(this.name, this.#step1(true));
	}

	#publishUpdate(update: Uint8Array): void {
		this.#sequence += 1;
		const { log } = this.#bus;
		this.#watchLog();
		this.#bus.receiptDue(this);
		// Others miss this number, ask for it, and are sent to the store.
		if (update.byteLength > this.#bus.messageBytesMax && log !== undefined) return;
		this.#publish(this.#bus.frames.update(this.name, update, this.receipt));
	}

	#watchLog(): void {
		const { log } = this.#bus;
		if (log === undefined || this.#isWatchingLog) return;
		this.#isWatchingLog = true;
		const upTo = this.#sequence;
		log.written(this.name).then(
			() => {
				this.#isWatchingLog = false;
				this.#durable = upTo;
				this.#bus.receiptDue(this);
				if (this.#sequence > upTo) this.#watchLog();
			},
			// The log was closed: others log it themselves, because nobody confirms it.
			() => {},
		);
	}

	#awarenessCame(sender: string, sent: Uint8Array): void {
		const document = this.#opened();
		// A stock node repeats what others say.
		if (speaksOurDialect(sender)) this.#presence?.namedBy(sender, sent);
		const update = this.#presence?.translate(sent) ?? sent;
		const origin = originOf(sender, true);
		if (!this.#bus.awarenessIsWatched) {
			applyAwarenessUpdate(document.awareness, update, origin);
			return;
		}
		const removals = removalsIn(update);
		if (removals !== undefined) applyAwarenessUpdate(document.awareness, removals, origin);
		const frame = this.#bus.frames.awareness(this.name, update);
		const message = new IncomingMessage(frame.subarray(readSender(frame).offset));
		message.readVarString();
		// A hook that throws rejects the message, as it does on a stock node.
		new MessageReceiver(message, origin).apply(document).catch(() => {});
	}

	#tellPresence(sender: string): void {
		if (!this.#presence?.hasLocal) return;
		const update = this.#presence.encode(this.#presence.localIds());
		this.#bus.reply(sender, this.#bus.frames.awareness(this.name, update));
	}

	#presenceChanged(clientIds: readonly number[]): void {
		if (clientIds.length === 0) return;
		for (const clientId of clientIds) this.#presenceChanges.add(clientId);
		this.#bus.flushSoon(this);
	}

	/** Learns which client ids connections name, also when nothing changes by it. */
	#watchConnections(document: Document, presence: Presence): void {
		const setCallback = document.beforeHandleAwareness.bind(document);
		document.beforeHandleAwareness = (callback) =>
			setCallback(async (ofDocument, states, origin) => {
				await callback(ofDocument, states, origin);
				if (!isTransactionOrigin(origin) || origin.source !== "connection") return;
				this.#presenceChanged(presence.namedHere(origin.connection, states.keys()));
			});
		const apply = document.applyAwarenessUpdate.bind(document);
		document.applyAwarenessUpdate = (connection, update) => {
			this.#presenceChanged(presence.namedHere(connection, presentIn(update)));
			return apply(connection, update);
		};
	}

	#keep(frame: Buffer): void {
		if (this.#keptBytes + frame.byteLength > keptBytesMax) {
			this.#kept = [];
			return;
		}
		this.#kept.push(Buffer.from(frame));
		this.#keptBytes += frame.byteLength;
	}

	#publish(frame: Buffer): void {
		// What is not sent shows as a gap in the numbers, or in the next digest.
		void this.#bus.publish(this.name, frame);
	}

	#opened(): Document {
		if (this.#document === undefined) throw new Error(`document ${JSON.stringify(this.name)} is not loaded`);
		return this.#document;
	}
}

function originOf(node: string, isLogged: boolean): BusOrigin {
	return { source: "redis", isLogged, node };
}

function isFromBus(origin: unknown): origin is { readonly source: "redis" } {
	return isTransactionOrigin(origin) && origin.source === "redis";
}
