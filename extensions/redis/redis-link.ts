/** The part of an ioredis `Redis` or `Cluster` that is used, so that any edition of it will do. */
export interface RedisClient {
	readonly status: string;
	publish(channel: string, message: Buffer): Promise<number>;
	subscribe(...channels: string[]): Promise<unknown>;
	unsubscribe(...channels: string[]): Promise<unknown>;
	on(event: "messageBuffer", listener: (channel: Buffer, message: Buffer) => void): unknown;
	on(event: "error", listener: (error: Error) => void): unknown;
	on(event: "ready" | "close", listener: () => void): unknown;
	disconnect(reconnect?: boolean): void;
	/** Only for a cluster. */
	readonly nodes?: ((role: "all") => readonly CountingServer[]) | undefined;
	/** @returns Why it would be better to connect anew, if it would; only our own clients know. It never rejects. */
	review?(): Promise<string | undefined>;
}

interface CountingServer {
	pubsub(subcommand: "NUMSUB", channel: string): Promise<unknown>;
}

export interface RedisLinkOptions {
	readonly createClient: () => RedisClient;
	/** Milliseconds since an arbitrary moment. */
	readonly now: () => number;
	/** Published and not answered by Redis, at most; past it messages are dropped. */
	readonly inFlightBytesMax: number;
	readonly onMessage: (channel: string, message: Buffer) => void;
	/** All channels are subscribed to, for the first time or again. Messages may have been missed before. */
	readonly onSubscribed: () => void;
	/** A connection was lost or could not be made. Called many times while it is so. */
	readonly onAway: (reason: string) => void;
}

/** Those in which a connection may hang; in the others ioredis is about to try again. */
const openStatus: ReadonlySet<string> = new Set(["connecting", "connect", "ready"]);

/** Channels in one SUBSCRIBE, at most. */
const channelsPerCommand = 1_000;

/**
 * Two connections to Redis, one to publish and one to listen. It queues nothing: what can't be sent now is dropped, and
 * healed by whoever notices. It knows nothing of documents.
 */
export class RedisLink {
	readonly #options: RedisLinkOptions;
	readonly #publisher: RedisClient;
	readonly #subscriber: RedisClient;
	readonly #channels = new Set<string>();
	/** Those of them that Redis has said to be subscribed to, on the connection of now. */
	readonly #confirmed = new Set<string>();
	/** Totals since the start. */
	readonly published = { publishedMessages: 0, publishedBytes: 0 };
	#inFlightBytes = 0;
	/** When Redis last answered, or was last asked after it had answered everything. */
	#answeredMs = 0;
	#reviewing = false;
	/** An error tells more than the end of the connection that it brings. */
	readonly #explained = new Set<RedisClient>();
	#closed = false;

	constructor(options: RedisLinkOptions, channels: readonly string[]) {
		this.#options = options;
		this.#publisher = options.createClient();
		this.#subscriber = options.createClient();
		for (const channel of channels) this.#channels.add(channel);
		this.#watch(this.#publisher);
		this.#watch(this.#subscriber);
		this.#subscriber.on("messageBuffer", (channel, message) => {
			if (!this.#closed) options.onMessage(channel.toString(), message);
		});
		this.#subscriber.on("close", () => this.#confirmed.clear());
		this.#subscriber.on("ready", () => this.#resubscribe());
		this.#publisher.on("ready", () => this.#announceWhenReady());
		// A client that was made elsewhere may be connected already.
		if (this.#subscriber.status === "ready") this.#resubscribe();
	}

	get canPublish(): boolean {
		return this.#publisher.status === "ready" && !this.#closed;
	}

	/** Whether Redis has been asked something and has not answered anything for so long. */
	isSlow(ms: number): boolean {
		return this.#inFlightBytes > 0 && this.#options.now() - this.#answeredMs > ms;
	}

	/**
	 * Sends a message at once or not at all.
	 * @returns How many connections received it, as far as Redis can say; `undefined` when it was not sent.
	 */
	async publish(channel: string, message: Buffer): Promise<number | undefined> {
		if (!this.canPublish || this.#inFlightBytes > this.#options.inFlightBytesMax) return undefined;
		if (this.#inFlightBytes === 0) this.#answeredMs = this.#options.now();
		this.#inFlightBytes += message.byteLength;
		this.published.publishedMessages += 1;
		this.published.publishedBytes += message.byteLength;
		try {
			return await this.#publisher.publish(channel, message);
		} catch {
			// The connection's own events say why.
			return undefined;
		} finally {
			this.#inFlightBytes -= message.byteLength;
			this.#answeredMs = this.#options.now();
		}
	}

	/**
	 * How many connections listen to a channel, ours among them; infinitely many when nobody can tell.
	 * @param received What publishing to it said: all there is to know, unless Redis is a cluster.
	 */
	async listeners(channel: string, received: number): Promise<number> {
		const nodes = this.#publisher.nodes?.("all");
		if (nodes === undefined) return received;
		if (nodes.length === 0) return Number.POSITIVE_INFINITY;
		const counts = await Promise.all(
			nodes.map((node) => node.pubsub("NUMSUB", channel).then(countOf, () => 0)),
		);
		return counts.reduce((sum, count) => sum + count, 0);
	}

	/** Whether the number of connections that received what was published to a channel is that of all who listen, ours among them. */
	countsAll(channel: string): boolean {
		return this.#publisher.nodes === undefined && this.#confirmed.has(channel);
	}

	/** @returns Whether what is published from now on will arrive; if not, it will with the next `onSubscribed`. */
	async subscribe(channel: string): Promise<boolean> {
		this.#channels.add(channel);
		if (this.#subscriber.status !== "ready") return false;
		try {
			await this.#subscriber.subscribe(channel);
			if (this.#channels.has(channel)) this.#confirmed.add(channel);
			return true;
		} catch {
			return false;
		}
	}

	unsubscribe(channel: string): void {
		this.#confirmed.delete(channel);
		if (!this.#channels.delete(channel) || this.#subscriber.status !== "ready") return;
		// If it fails the connection is gone, and with it the subscription.
		this.#subscriber.unsubscribe(channel).catch(() => {});
	}

	/** Gives up connections that seem open. Whoever calls it has told why. */
	reconnect(): void {
		if (this.#closed) return;
		for (const client of [this.#publisher, this.#subscriber])
			if (openStatus.has(client.status)) {
				this.#explained.add(client);
				client.disconnect(true);
			}
	}

	/** Looks whether this is still the server to talk to, and goes to the right one if not. Call it every few seconds. */
	async review(): Promise<void> {
		if (!this.canPublish || this.#reviewing) return;
		this.#reviewing = true;
		const reason = await this.#publisher.review?.();
		this.#reviewing = false;
		if (reason === undefined) return;
		this.#away(reason);
		this.reconnect();
	}

	close(): void {
		this.#closed = true;
		this.#publisher.disconnect(false);
		this.#subscriber.disconnect(false);
	}

	#watch(client: RedisClient): void {
		client.on("error", (error) => {
			this.#explained.add(client);
			this.#away(describe(error));
		});
		client.on("close", () => {
			if (!this.#explained.delete(client)) this.#away("the connection was closed");
		});
	}

	#resubscribe(): void {
		const channels = [...this.#channels];
		const commands: Promise<unknown>[] = [];
		for (let from = 0; from < channels.length; from += channelsPerCommand)
			commands.push(this.#subscriber.subscribe(...channels.slice(from, from + channelsPerCommand)));
		// A failure means that the connection is gone again, of which its events tell.
		Promise.all(commands).then(
			() => {
				for (const channel of channels) if (this.#channels.has(channel)) this.#confirmed.add(channel);
				this.#announceWhenReady();
			},
			(error: Error) => this.#away(describe(error)),
		);
	}

	#announceWhenReady(): void {
		if (!this.#closed && this.canPublish && this.#subscriber.status === "ready") this.#options.onSubscribed();
	}

	#away(reason: string): void {
		if (!this.#closed) this.#options.onAway(reason);
	}
}

/** `AggregateError`, which Node.js throws for a host with several addresses, has no message of its own. */
function describe(error: Error): string {
	// How ioredis puts it when a connection ends before anything could be asked over it.
	if (error.message.includes("max retries per request")) return "the connection was closed";
	if (error.message !== "") return error.message;
	return (error as NodeJS.ErrnoException).code ?? error.name;
}

/** NUMSUB answers with the channel's name and the number. */
function countOf(answer: unknown): number {
	return Array.isArray(answer) ? Number(answer[1]) : 0;
}
