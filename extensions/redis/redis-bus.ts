import { randomBytes } from "node:crypto";
import type {
	afterUnloadDocumentPayload,
	beforeBroadcastStatelessPayload,
	Extension,
	Hocuspocus,
	onConfigurePayload,
	onCreateDocumentPayload,
	onLoadDocumentPayload,
} from "@hocuspocus/server";
import { type Clock, systemClock } from "../durability/clock.ts";
import { consoleLogger, type DurabilityLogger } from "../durability/logging.ts";
import type { MetricSink } from "../metrics/metric-sink.ts";
import { Tally } from "../metrics/tally.ts";
import type { Tracing } from "../tracing/index.ts";
import { tracingAmong } from "../tracing/tracing-among.ts";
import { declareBusMetrics } from "./bus-metrics.ts";
import { clientForUrl } from "./connect.ts";
import { decodeFrame, FrameWriter, nodeIdentifier, readSender, speaksOurDialect } from "./frames.ts";
import { type BusStatus, Heart, silenceMs } from "./heart.ts";
import { type BusEvent, logBusEvent } from "./logging.ts";
import {
	decodeNodeMessage,
	documentsPerMessageMax,
	encodeNodeMessage,
	type NodeMessage,
} from "./node-messages.ts";
import { NodesHeard } from "./nodes-heard.ts";
import { type RedisClient, RedisLink } from "./redis-link.ts";
import { isRefusal, RedisRefusedError } from "./redis-refused-error.ts";
import { locationOf } from "./redis-url.ts";
import { RollCall } from "./roll-call.ts";
import { SharedDocuments, type SharedDocumentsOptions } from "./shared-documents.ts";
import type { SharedLog } from "./shared-log.ts";

export interface RedisBusOptions {
	/**
	 * Where Redis is: `redis://user:password@host:6379`, `redis+sentinel://host:26379,host:26379/name`,
	 * `redis+cluster://host:6379,host:6379`; each with `rediss` for TLS.
	 */
	readonly url?: string | undefined;
	/** Makes a connection, instead of `url`: called twice. For whatever else ioredis can. */
	readonly redis?: (() => RedisClient) | undefined;
	/** Begins the names of all channels; "hocuspocus" by default, as with the stock extension. */
	readonly prefix?: string | undefined;
	/** The `Durability` of this server. Without it nothing that came from elsewhere is logged here. */
	readonly log?: SharedLog | undefined;
	/** How often each document's digest is compared with that of other nodes, in ms; 30 s by default. */
	readonly digestIntervalMs?: number | undefined;
	/** Longest time that opening a document waits for what other nodes have of it, in ms; 1 s by default. */
	readonly joinTimeoutMs?: number | undefined;
	/**
	 * Largest update that goes through Redis, in bytes; 8 MiB by default. Redis' `client-output-buffer-limit` for
	 * `pubsub` must allow it. Others get larger ones from the store.
	 */
	readonly messageBytesMax?: number | undefined;
	readonly logger?: DurabilityLogger | undefined;
	readonly onEvent?: ((event: BusEvent) => void) | undefined;
	/** For tests. */
	readonly clock?: Clock | undefined;
}

export interface BusStats {
	readonly documents: number;
	readonly publishedMessages: number;
	readonly publishedBytes: number;
	/** Our own come back and are counted, too. */
	readonly receivedMessages: number;
	readonly receivedBytes: number;
}

interface Topic {
	readonly received: (payload: string) => void;
	readonly repeat: () => void;
}

const MiB = 1024 * 1024;
/** Receipts go out this often, and everything else that is timed is looked at. */
const tickMs = 250;
/** A tick that comes this much late means that the process stood still. */
const stallMs = 2_000;
const goodbyeMsMax = 500;
/** When Redis has not answered anything for so long, the store is followed as well. */
const slowMs = 1_000;

/**
 * Connects nodes through Redis: each update is published once, as it is, and applied by the nodes that have the document
 * open [CLU1]. Nothing waits for Redis and nothing is queued for it; what was lost is noticed and asked for [CLU2]. A
 * Hocuspocus extension; it speaks the protocol of `@hocuspocus/extension-redis` with nodes that run that one [CLU5].
 */
export class RedisBus implements Extension {
	readonly extensionName = "RedisBus";
	/** Right after `Durability`, when it stands behind it in the list: others' hooks see the document complete. */
	readonly priority = Number.POSITIVE_INFINITY;
	/** Where Redis is, for people. */
	readonly location: string;
	/** This node's name among the others. */
	readonly identifier = nodeIdentifier(randomBytes(9).toString("base64url"));
	readonly #options: RedisBusOptions;
	readonly #prefix: string;
	readonly #clock: Clock;
	readonly #logger: DurabilityLogger;
	readonly #digestIntervalMs: number;
	readonly #frames = new FrameWriter(this.identifier);
	readonly #link: RedisLink;
	readonly #heart: Heart;
	/** The first attempt to connect. */
	readonly #attempt = Promise.withResolvers<void>();
	#hasAttempted = false;
	readonly #nodes = new NodesHeard();
	readonly #rollCall: RollCall;
	readonly #documents: SharedDocuments;
	readonly #events = new Tally("type");
	readonly #received = { receivedMessages: 0, receivedBytes: 0 };
	readonly #topics = new Map<string, Topic>();
	#instance: Hocuspocus | undefined;
	#tracing: Tracing | undefined;
	#awarenessIsWatched: boolean | undefined;
	#cancelTick: () => void;
	#tickedMs: number;
	#closed = false;

	constructor(options: RedisBusOptions) {
		this.#options = options;
		const { url = "redis://127.0.0.1:6379", redis = clientForUrl(url), prefix = "hocuspocus", log } = options;
		this.#prefix = prefix;
		this.location = options.redis === undefined ? locationOf(url) : "Redis";
		this.#clock = options.clock ?? systemClock;
		this.#logger = options.logger ?? consoleLogger;
		this.#digestIntervalMs = options.digestIntervalMs ?? 30_000;
		this.#heart = new Heart({
			clock: this.#clock,
			send: (beat) => {
				this.#tellNodes({ type: "heartbeat", beat });
				// It never rejects.
				void this.#link.review();
			},
			onUp: (awayMs) => {
				this.#attempted();
				this.#emit({ type: "redis-up", awayMs });
				this.#documents.compareAll();
				this.#repeatTopics();
				this.#askForTopics();
			},
			onAway: (reason) => {
				this.#judge();
				this.#emit({ type: "redis-away", reason });
			},
			onLoss: () => this.#lostSomething(),
			onStuck: () => this.#link.reconnect(),
		});
		this.#documents = new SharedDocuments({
			clock: this.#clock,
			log,
			digestIntervalMs: this.#digestIntervalMs,
			context: this.#documentContext(),
			onDropped: (documentName) => this.#link.unsubscribe(this.#documentChannel(documentName)),
		});
		this.#rollCall = new RollCall({
			clock: this.#clock,
			intervalMs: this.#digestIntervalMs / 2,
			members: async () => log?.members(),
			heard: () => this.#nodes.size,
		});
		if (log !== undefined) {
			log.answerFor((documentName) => this.#documents.get(documentName)?.takeUnconfirmed() ?? []);
			log.connect?.(this);
			log.onDeleted?.((document) => this.#documents.discard(document));
			// Until the first attempt to connect has ended, nothing is open that could be out of step.
			log.hearsOthers(true);
		}
		this.#link = new RedisLink(
			{
				createClient: redis,
				now: () => this.#clock.now(),
				inFlightBytesMax: 16 * MiB,
				onMessage: (channel, frame) => this.#receive(channel, frame),
				onSubscribed: () => this.#heart.listening(),
				onAway: (reason) => {
					this.#heart.away(reason);
					this.#attempted();
				},
			},
			[this.#nodesChannel, this.#replyChannel(this.identifier)],
		);
		this.#tickedMs = this.#clock.now();
		this.#cancelTick = this.#clock.after(tickMs, () => this.#tick());
	}

	/** Whether messages come through, and if not, since when and why. */
	get status(): BusStatus {
		return this.#heart.status;
	}

	/** Why this node is cut off from the others, for the operator; empty when all is well. */
	get problems(): string[] {
		const { status } = this.#heart;
		if (status.status === "away") return [`Redis at ${this.location} is away: ${status.reason}`];
		const { missing } = this.#rollCall;
		if (missing === 0) return [];
		const who = missing === 1 ? "a node that shares" : `${missing} nodes that share`;
		return [
			`${who} the database can't be heard through Redis at ${this.location}: compare the redisUrl of all nodes, and see whether Redis is away there`,
		];
	}

	/** Identifiers of the other nodes of our kind. */
	get nodes(): readonly string[] {
		return this.#nodes.identifiers;
	}

	/**
	 * Waits for the first attempt to connect, so that documents are not opened before it. Redis that can't be reached is
	 * no reason to fail.
	 * @throws {RedisRefusedError} when Redis does not let us in, which trying again won't help.
	 */
	async open(): Promise<void> {
		await this.#attempt.promise;
		const { status } = this.#heart;
		if (status.status === "away" && isRefusal(status.reason))
			throw new RedisRefusedError(`Redis at ${this.location} refused: ${status.reason}`);
	}

	/**
	 * For another extension that has something to say to itself on the other nodes. What it says is sent at once or not at all, and
	 * may get lost.
	 * @param received Called with what the other nodes say on this topic.
	 * @param repeat Called when others may have missed something, or have just come: what still counts is to be said again.
	 * @returns Says something to the other nodes.
	 */
	join(topic: string, received: (payload: string) => void, repeat: () => void): (payload: string) => void {
		this.#topics.set(topic, { received, repeat });
		return (payload) => this.#tellNodes({ type: "topic", topic, payload });
	}

	/** Documents that are followed now, and totals since the start, in messages and bytes. */
	stats(): BusStats {
		return { documents: this.#documents.size, ...this.#received, ...this.#link.published };
	}

	declareMetrics(sink: MetricSink): void {
		const { roundTrips } = this.#heart;
		declareBusMetrics(sink, {
			status: () => this.status,
			stats: () => this.stats(),
			nodes: () => this.#nodes.size,
			problems: () => this.problems.length,
			unconfirmedAgeMs: () => this.#unconfirmedAgeMs(),
			now: () => this.#clock.now(),
			roundTrips,
			events: this.#events,
		});
	}

	async onConfigure({ instance }: onConfigurePayload): Promise<void> {
		this.#instance = instance;
		this.#tracing = tracingAmong(instance.configuration.extensions);
	}

	/** Before the store is read: what is published from now on is kept, and what was before is in it or with a node. */
	async onCreateDocument({ documentName }: onCreateDocumentPayload): Promise<void> {
		this.#documents.create(documentName);
		await this.#within(this.#joinTimeoutMs, this.#link.subscribe(this.#documentChannel(documentName)));
	}

	async onLoadDocument({ document, documentName }: onLoadDocumentPayload): Promise<void> {
		const shared = this.#documents.get(documentName);
		if (shared === undefined || shared.document !== undefined) return;
		this.#documents.loaded(shared, document);
		const canAsk = this.#heart.status.status === "up";
		const countListeners = (received: number) =>
			this.#link.listeners(this.#documentChannel(documentName), received);
		await shared.join(canAsk ? this.#joinTimeoutMs : 0, countListeners);
		shared.introduce();
	}

	async afterUnloadDocument({ documentName }: afterUnloadDocumentPayload): Promise<void> {
		const shared = this.#documents.get(documentName);
		if (shared?.document?.isDestroyed) this.#documents.drop(shared);
	}

	async beforeBroadcastStateless({ documentName, payload }: beforeBroadcastStatelessPayload): Promise<void> {
		this.#documents.get(documentName)?.publishStateless(payload);
	}

	async onDestroy(): Promise<void> {
		if (this.#closed) return;
		this.#closed = true;
		this.#cancelTick();
		this.#documents.flush();
		this.#sendReceipts();
		const goodbye = this.#link.publish(this.#nodesChannel, this.#encode({ type: "goodbye" }));
		await this.#within(goodbyeMsMax, goodbye);
		this.#link.close();
	}

	get #joinTimeoutMs(): number {
		return this.#options.joinTimeoutMs ?? 1_000;
	}

	#documentChannel(documentName: string): string {
		return `${this.#prefix}:${documentName}`;
	}

	/** As the stock extension names it. */
	#replyChannel(identifier: string): string {
		return `${this.#prefix}#reply:${identifier}`;
	}

	/** Stock nodes don't listen to it. */
	get #nodesChannel(): string {
		return `${this.#prefix}#nodes`;
	}

	#receive(channel: string, frame: Buffer): void {
		this.#received.receivedMessages += 1;
		this.#received.receivedBytes += frame.byteLength;
		try {
			if (channel === this.#nodesChannel) this.#receiveFromNode(frame);
			else this.#receiveForDocument(frame);
		} catch (error) {
			this.#emit({ type: "frame-ignored", channel, error: error as Error });
		}
	}

	#receiveForDocument(frame: Buffer): void {
		const { sender } = readSender(frame);
		if (sender === this.identifier) return;
		this.#heard(sender);
		const decoded = decodeFrame(frame);
		this.#documents.get(decoded.documentName)?.receive(decoded, frame);
	}

	#receiveFromNode(frame: Buffer): void {
		const { sender, message } = decodeNodeMessage(frame);
		if (sender === this.identifier) {
			if (message?.type === "heartbeat") this.#heart.returned(message.beat);
			return;
		}
		if (message?.type === "goodbye") {
			if (this.#nodes.forget(sender)) this.#nodeLeft(sender, true);
			return;
		}
		this.#heard(sender);
		switch (message?.type) {
			case "heartbeat":
				if (this.#nodes.beat(sender, message.beat)) this.#lostSomething();
				break;
			case "digests":
				for (const { key, digest } of message.documents)
					this.#documents.byKey(key)?.digestCame(sender, digest);
				break;
			case "receipts":
				for (const receipt of message.documents)
					this.#documents.byKey(receipt.key)?.receiptCame(sender, receipt);
				break;
			case "topic":
				this.#topics.get(message.topic)?.received(message.payload);
				break;
			case "topicsMissed":
				this.#repeatTopics();
		}
	}

	#heard(sender: string): void {
		if (!speaksOurDialect(sender) || !this.#nodes.heard(sender, this.#clock.now())) return;
		this.#emit({ type: "node-joined", node: sender });
		this.#heart.introduce();
		// It may have been cut off, and what either of us said meanwhile has reached nobody.
		this.#documents.announceDigests();
		for (const document of this.#documents) document.nodeCame(sender);
		this.#repeatTopics();
	}

	#repeatTopics(): void {
		for (const { repeat } of this.#topics.values()) repeat();
	}

	/** The others may have come back before us, and have repeated theirs when we did not listen yet. */
	#askForTopics(): void {
		if (this.#topics.size > 0) this.#tellNodes({ type: "topicsMissed" });
	}

	#nodeLeft(sender: string, saidGoodbye: boolean): void {
		this.#emit({ type: "node-left", node: sender, saidGoodbye });
		for (const document of this.#documents) document.nodeLeft(sender);
		// Its last words may be in the store only.
		if (!saidGoodbye) this.#documents.readStore();
	}

	#lostSomething(): void {
		this.#emit({ type: "messages-lost" });
		this.#documents.compareAll();
		this.#repeatTopics();
		this.#askForTopics();
	}

	#tick(): void {
		const nowMs = this.#clock.now();
		const stoodStill = nowMs - this.#tickedMs - tickMs > stallMs;
		this.#tickedMs = nowMs;
		if (stoodStill) this.#stoodStill(nowMs);
		this.#heart.tick();
		this.#judge();
		for (const silent of this.#nodes.takeSilentSince(nowMs - silenceMs)) this.#nodeLeft(silent, false);
		this.#sendReceipts();
		this.#documents.tend(nowMs);
		if (this.#instance !== undefined) this.#documents.sweep(this.#instance, nowMs);
		if (this.#link.canPublish) this.#sendDigests(nowMs);
		this.#cancelTick = this.#clock.after(tickMs, () => this.#tick());
	}

	#attempted(): void {
		this.#hasAttempted = true;
		this.#judge();
		this.#attempt.resolve();
	}

	/** Whether others are heard through Redis, or to be followed through the store: in doubt, both. */
	#judge(): void {
		if (!this.#hasAttempted) return;
		const isUp = this.#heart.status.status === "up";
		if (isUp) this.#rollCall.tick();
		else this.#rollCall.forget();
		const isWell = isUp && !this.#heart.isLate && !this.#link.isSlow(slowMs);
		this.#options.log?.hearsOthers(isWell && this.#rollCall.missing === 0);
	}

	/** Others may have taken us for dead, and what they said is still to be read. */
	#stoodStill(nowMs: number): void {
		this.#nodes.excuse(nowMs);
		this.#heart.excuse();
		this.#documents.compareAll();
	}

	#sendDigests(nowMs: number): void {
		const digests = this.#documents.takeDigests(nowMs, this.#nodes.size > 0);
		for (const documents of portions(digests)) this.#tellNodes({ type: "digests", documents });
	}

	#sendReceipts(): void {
		// They are kept for whoever comes: nobody else knows what changed here meanwhile and has been closed again.
		if (!this.#link.canPublish || this.#nodes.size === 0) return;
		const receipts = this.#documents.takeReceipts();
		for (const documents of portions(receipts)) this.#tellNodes({ type: "receipts", documents });
	}

	#tellNodes(message: NodeMessage): void {
		this.#send(this.#nodesChannel, this.#encode(message));
	}

	#encode(message: NodeMessage): Buffer {
		return encodeNodeMessage(this.#frames, message);
	}

	/** What can't be sent is lost; whoever misses it asks. */
	#send(channel: string, frame: Buffer): void {
		void this.#link.publish(channel, frame);
	}

	#documentContext(): SharedDocumentsOptions["context"] {
		return {
			frames: this.#frames,
			messageBytesMax: this.#options.messageBytesMax ?? 8 * MiB,
			tracing: () => this.#tracing,
			isAwarenessWatched: () => this.#isAwarenessWatched(),
			publish: (name, frame) => this.#link.publish(this.#documentChannel(name), frame),
			countsAll: (name) => this.#link.countsAll(this.#documentChannel(name)),
			reply: (recipient, frame) => this.#send(this.#replyChannel(recipient), frame),
			frameIgnored: (name, error) =>
				this.#emit({ type: "frame-ignored", channel: this.#documentChannel(name), error }),
		};
	}

	#isAwarenessWatched(): boolean {
		const extensions = this.#instance?.configuration.extensions ?? [];
		this.#awarenessIsWatched ??= extensions.some(({ beforeHandleAwareness }) => beforeHandleAwareness);
		return this.#awarenessIsWatched;
	}

	async #within(ms: number, work: Promise<unknown>): Promise<void> {
		const deadline = Promise.withResolvers<void>();
		const cancel = this.#clock.after(ms, deadline.resolve);
		await Promise.race([work, deadline.promise]);
		cancel();
	}

	#unconfirmedAgeMs(): number {
		let oldestMs = this.#clock.now();
		const nowMs = oldestMs;
		for (const { unconfirmedSinceMs } of this.#documents) oldestMs = Math.min(oldestMs, unconfirmedSinceMs);
		return nowMs - oldestMs;
	}

	#emit(event: BusEvent): void {
		this.#events.add(event.type);
		logBusEvent(this.#logger, event);
		try {
			this.#options.onEvent?.(event);
		} catch (error) {
			this.#logger.error({ err: error }, "the listener for events of the bus failed");
		}
	}
}

function* portions<T>(all: readonly T[]): Generator<readonly T[]> {
	for (let from = 0; from < all.length; from += documentsPerMessageMax)
		yield all.slice(from, from + documentsPerMessageMax);
}
