import type { Document } from "@hocuspocus/server";
import { decodeUpdate, encodeStateVector, transact } from "yjs";
import { integratedState } from "../durability/stored-updates.ts";
import { readUpdate } from "../durability/update-ends.ts";
import { applyBounded, unboundedEffort } from "../sync/bounded-apply.ts";
import { type SpanContext, spanKind } from "../tracing/span.ts";
import type { Trace } from "../tracing/trace.ts";
import { type BusContext, isFromBus, originOf } from "./bus-context.ts";
import { Deliveries } from "./deliveries.ts";
import { documentKey, stateDigest } from "./digest.ts";
import {
	type DocumentFrame,
	type DocumentMessage,
	decodeFrame,
	type Position,
	type Receipt,
	speaksOurDialect,
} from "./frames.ts";
import type { DocumentReceipt } from "./node-messages.ts";
import { Outbox } from "./outbox.ts";
import { PresenceRelay } from "./presence-relay.ts";
import { Questions } from "./questions.ts";
import { Unconfirmed } from "./unconfirmed.ts";

type Phase =
	/** It is being read from the store. What comes meanwhile is kept. */
	| { readonly status: "loading" }
	/** Others are asked for what the store has not got yet. */
	| { readonly status: "joining"; readonly answered: Set<string>; isEnough: () => void }
	| { readonly status: "open" }
	| { readonly status: "left" };

/** What is kept while the document loads, at most; more is dropped, because joining brings it anyway. */
const keptBytesMax = 8 * 1024 * 1024;
/** Nodes of which it is kept that they are gone, at most. */
const nodesMax = 100;
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
	readonly #bus: BusContext;
	readonly #deliveries = new Deliveries();
	readonly #unconfirmed = new Unconfirmed();
	readonly #questions = new Questions();
	readonly #outbox: Outbox;
	#phase: Phase = { status: "loading" };
	#kept: Buffer[] = [];
	#keptBytes = 0;
	#document: Document | undefined;
	#presence: PresenceRelay | undefined;
	/** Nodes that are gone, and on which there were people. */
	readonly #withPeople = new Set<string>();
	/** Of what is to be published at the end of this turn. */
	#trace: Trace | undefined;
	#digest: string | undefined;
	/** Nobody else has it open, so there is nobody to publish anything to. */
	#isAlone = false;
	/** How often there was a sign of somebody else. */
	#signs = 0;
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
		this.#bus = bus;
		this.#outbox = new Outbox({
			documentName: name,
			stay,
			log: bus.log,
			onReceipt: () => bus.receiptDue(this),
		});
	}

	get document(): Document | undefined {
		return this.#document;
	}

	get isOpen(): boolean {
		return this.#phase.status === "open";
	}

	get receipt(): DocumentReceipt {
		return { key: this.key, ...this.#outbox.receipt, isOpen: this.#phase.status !== "left" };
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
		this.#phase = { status: "joining", answered: new Set(), isEnough: () => {} };
		document.on("update", (update: Uint8Array, origin: unknown) => {
			this.#digest = undefined;
			if (isFromBus(origin)) return;
			this.#outbox.add(update);
			this.#traceOn();
			this.#bus.flushSoon(this);
		});
		this.#presence = new PresenceRelay(document, this.#bus, () => this.#bus.flushSoon(this));
		const kept = this.#kept;
		this.#kept = [];
		for (const frame of kept) {
			try {
				this.receive(decodeFrame(frame), frame);
			} catch (error) {
				// It is no reason not to open the document.
				this.#bus.frameIgnored(this.name, error as Error);
			}
		}
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

	/** Keeps to itself what this turn has brought. */
	discard(): void {
		this.#outbox.take();
		this.#presence?.take();
	}

	/** Publishes what this turn has brought. */
	flush(): void {
		const { frames, log, messageBytesMax } = this.#bus;
		const update = this.#outbox.take();
		// Others miss the number of one that is too large, ask for it, and are sent to the store.
		const trace = this.#trace;
		this.#trace = undefined;
		if (update !== undefined && (update.byteLength <= messageBytesMax || log === undefined))
			this.#publishEdit(frames.update(this.name, update, this.#outbox.receipt, trace?.context), trace);
		else trace?.release();
		const presence = this.#presence?.take();
		if (presence !== undefined) this.#publish(frames.awareness(this.name, presence));
	}

	/** Tells a payload to the clients of other nodes. */
	publishStateless(payload: string): void {
		this.#publish(this.#bus.frames.stateless(this.name, payload));
	}

	/** Asks others for presence, and tells them ours: after messages may have been lost also that nobody is here. */
	introduce(): void {
		const { frames } = this.#bus;
		void this.#publishToAll(frames.queryAwareness(this.name));
		const presence = this.#presence;
		if (presence !== undefined && (presence.hasLocal || this.introductionDue))
			void this.#publishToAll(frames.awareness(this.name, presence.all(), true));
		this.introductionDue = false;
	}

	/** Somebody may have it open of whom we have not heard: others are to be asked for presence, and told ours. */
	mayBeHeard(): void {
		this.#metOther();
		this.introductionDue = true;
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
		this.#metOther();
		if (this.#phase.status === "loading") this.#keep(frame);
		else if (this.#phase.status !== "left") this.#handle(sender, message);
	}

	/** A node tells how far it is. */
	receiptCame(sender: string, receipt: DocumentReceipt): void {
		this.#metOther();
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
		this.#metOther();
		if (this.isOpen && digest !== this.digest()) this.#bus.reply(sender, this.#step1(true));
	}

	/** A node is gone: so is everybody who was there, and it will confirm nothing more. */
	nodeLeft(sender: string): void {
		this.#questions.forget(sender);
		this.#deliveries.forget(sender);
		if (this.#presence?.nodeLeft(sender)) this.#withPeople.add(sender);
		for (const oldest of this.#withPeople) {
			if (this.#withPeople.size <= nodesMax) break;
			this.#withPeople.delete(oldest);
		}
		if (this.#unconfirmed.holdsFrom(sender)) this.#bus.log?.complete(this.name);
	}

	/** A node is heard that was not known. When it was taken for gone and was not, it does not know that its people are not seen here any more. */
	nodeCame(sender: string): void {
		if (this.#withPeople.delete(sender)) this.#bus.reply(sender, this.#bus.frames.queryAwareness(this.name));
	}

	/** Asks everybody, and the store, when the node that we asked about a gap has not answered. @returns Whether it waits on. */
	retryGaps(nowMs: number): boolean {
		const { isOneUnanswered, areSomeOpen } = this.#questions.expire(nowMs);
		if (isOneUnanswered && this.isOpen) {
			void this.#askEveryone();
			this.#bus.readStore(this.name);
		}
		return areSomeOpen;
	}

	#handle(sender: string, message: DocumentMessage): void {
		if (!speaksOurDialect(sender)) this.stockHeardMs = this.#bus.clock.now();
		switch (message.type) {
			case "update":
				this.#traced(message.trace, () => this.#updateCame(sender, message.update, message.receipt));
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
				this.#presence?.came(sender, message.update, message.isComplete);
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
		try {
			this.#apply(sender, update, true);
		} catch (error) {
			// A listener may have failed, and the update is in the document. What can't be read must not get into the log.
			if (isReadable(update)) this.#hold(sender, update, receipt);
			throw error;
		}
		this.#hold(sender, update, receipt);
		// While it joins, it asks everybody anyway.
		if (delivery === "gap" && this.isOpen) this.#askAboutGap(sender);
	}

	/** Until the sender has confirmed it, it may be ours to log. */
	#hold(sender: string, update: Uint8Array, receipt: Receipt): void {
		const { log, clock } = this.#bus;
		if (log === undefined) return;
		this.#unconfirmed.hold(sender, receipt, update, clock.now());
		this.#unconfirmed.confirm(sender, receipt);
		if (this.#unconfirmed.bytes > unconfirmedBytesMax) log.complete(this.name);
	}

	/** Whether there is room for what we would have to log. What is dropped comes back with the next comparison of states. */
	#mayLog(): boolean {
		return this.#bus.log === undefined || this.#bus.log.accepting;
	}

	#apply(sender: string, update: Uint8Array, isLogged: boolean): void {
		// Our own nodes have looked at what their clients sent; a stock node passes on whatever comes.
		if (!speaksOurDialect(sender)) readUpdate(update);
		const document = this.#opened();
		const { pendingDs } = document.store;
		// Yjs adds to the object that it has.
		const pendingUpdate = document.store.pendingStructs?.update;
		transact(
			document,
			() => applyBounded(document, update, unboundedEffort),
			originOf(sender, isLogged),
			false,
		);
		const now = document.store;
		const isWaiting =
			(now.pendingStructs !== null && now.pendingStructs.update !== pendingUpdate) ||
			(now.pendingDs !== null && now.pendingDs !== pendingDs);
		if (isWaiting && this.isOpen) this.#askAboutGap(sender);
	}

	#askAboutGap(sender: string, news?: Position): void {
		if (!this.#questions.ask(sender, this.#bus.clock.now(), news)) return;
		this.#bus.gapOpened(this);
		this.#bus.reply(sender, this.#step1(false));
	}

	#answered(sender: string, position: Position | undefined): void {
		if (position !== undefined) this.#deliveries.settle(sender, position);
		const { pendingStructs, pendingDs } = this.#opened().store;
		const news = this.#questions.answered(sender, pendingStructs === null && pendingDs === null);
		if (news !== undefined && this.#deliveries.lacks(sender, news)) this.#askAboutGap(sender);
		if (this.#phase.status !== "joining") return;
		this.#phase.answered.add(sender);
		this.#phase.isEnough();
	}

	#answer(sender: string, step1: DocumentMessage & { type: "step1" }): void {
		const { frames, log } = this.#bus;
		const isStock = step1.digest === undefined;
		const { position } = this.#outbox;
		if (!isStock && step1.digest === this.digest()) {
			if (step1.position !== undefined) this.#deliveries.settle(sender, step1.position);
			this.#bus.reply(sender, frames.same(this.name, position));
			return;
		}
		const difference = integratedState(this.#opened(), step1.stateVector);
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
			position: this.#outbox.position,
		});
	}

	#askEveryone(): Promise<number | undefined> {
		return this.#publishToAll(this.#step1(true));
	}

	#tellPresence(sender: string): void {
		const presence = this.#presence;
		if (presence === undefined || (!presence.hasLocal && !speaksOurDialect(sender))) return;
		this.#bus.reply(sender, this.#bus.frames.awareness(this.name, presence.all(), true));
	}

	#keep(frame: Buffer): void {
		if (this.#keptBytes + frame.byteLength > keptBytesMax) {
			this.#kept = [];
			return;
		}
		this.#kept.push(Buffer.from(frame));
		this.#keptBytes += frame.byteLength;
	}

	/** What is being applied is traced, and published at the end of the turn. */
	#traceOn(): void {
		const trace = this.#bus.tracing()?.current;
		if (trace === undefined || this.#trace !== undefined) return;
		trace.begin();
		this.#trace = trace;
	}

	#publishEdit(frame: Buffer, trace: Trace | undefined): void {
		if (trace === undefined || this.#isAlone) {
			trace?.release();
			this.#publish(frame);
			return;
		}
		const { clock } = this.#bus;
		const startMs = clock.now();
		// It never rejects.
		void this.#publishToAll(frame).then((receivers = 0) => {
			const attributes = {
				"messaging.message.body.size": frame.byteLength,
				"indelible.receivers": receivers,
			};
			trace.end("publish", startMs, clock.now(), { kind: spanKind.producer, attributes });
		});
	}

	/** @param parent Where another node traces what is applied now. */
	#traced(parent: SpanContext | undefined, apply: () => void): void {
		const { clock } = this.#bus;
		const tracing = parent === undefined ? undefined : this.#bus.tracing();
		if (parent === undefined || tracing === undefined) {
			apply();
			return;
		}
		const startMs = clock.now();
		const trace = tracing.startReceipt(parent, startMs);
		trace.begin();
		try {
			tracing.within(trace, apply);
		} finally {
			trace.end("apply", startMs, clock.now());
		}
	}

	/** Whoever opens the document while it is not published asks for it, and is told all of it then. */
	#publish(frame: Buffer): void {
		// What is not sent shows as a gap in the numbers, or in the next digest.
		if (!this.#isAlone) void this.#publishToAll(frame);
	}

	async #publishToAll(frame: Buffer): Promise<number | undefined> {
		const signs = this.#signs;
		const received = await this.#bus.publish(this.name, frame);
		// Whoever has made a sign meanwhile may have come after they were counted.
		this.#isAlone =
			received !== undefined && received <= 1 && signs === this.#signs && this.#bus.countsAll(this.name);
		return received;
	}

	#metOther(): void {
		this.#isAlone = false;
		this.#signs += 1;
	}

	#opened(): Document {
		if (this.#document === undefined) throw new Error(`document ${JSON.stringify(this.name)} is not loaded`);
		return this.#document;
	}
}

function isReadable(update: Uint8Array): boolean {
	try {
		decodeUpdate(update);
		return true;
	} catch {
		return false;
	}
}
