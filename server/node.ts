import type { Server as HttpServer, IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { Hocuspocus, onUpgradePayload } from "@hocuspocus/server";
import type { Auth, RevocationRequest } from "../extensions/auth/index.ts";
import type { Durability, DurabilityLogger } from "../extensions/durability/index.ts";
import type { LimitReports, Limits } from "../extensions/limits/index.ts";
import type { Linger } from "../extensions/linger/index.ts";
import type { MetricSink } from "../extensions/metrics/index.ts";
import type { RedisBus } from "../extensions/redis/index.ts";
import type { Sync } from "../extensions/sync/index.ts";
import type {
	ConnectionFacts,
	DocumentFacts,
	DocumentList,
	DocumentQuery,
	MeasuredSize,
	NodeState,
	Outcome,
} from "./admin/facts.ts";
import { Introspection } from "./admin/introspection.ts";
import { LoadWatch } from "./load/load-watch.ts";
import { declareDiskMetrics } from "./metrics.ts";
import type { NodeSettings } from "./settings.ts";
import type { TrustedProxies } from "./transport/client-address.ts";
import { type Door, openDoor } from "./transport/door.ts";
import type { Doorstep } from "./transport/doorstep.ts";
import { refuseUpgrade } from "./transport/handshake.ts";
import type { UpgradeRequest } from "./transport/upgrade-request.ts";
import { WebSocketTransport } from "./transport/web-socket-transport.ts";

/** Whether a node can take work, and if not, why. */
export interface Readiness {
	readonly ready: boolean;
	readonly reasons: readonly string[];
	/** What does not work, though the node can take work: it hears nothing of the other nodes. Always there with Redis. */
	readonly degraded?: readonly string[];
}

/** What a node is made of. */
export interface NodeParts {
	readonly hocuspocus: Hocuspocus;
	readonly durability: Durability;
	readonly sync: Sync;
	readonly bus: RedisBus | undefined;
	readonly linger: Linger;
	readonly auth: Auth;
	readonly limits: Limits;
	readonly trustedProxies: TrustedProxies;
	readonly isOpen: boolean;
	readonly settings: NodeSettings;
	readonly location: string;
	readonly logger: DurabilityLogger;
}

type Phase = "serving" | "draining" | "closed";

/**
 * Connections that wait to be accepted, as far as the system allows (`net.core.somaxconn`). With Node's 511, some of thousands who
 * come back at once after a restart are dropped, and try again after a second, or three.
 */
const backlog = 65_535;

/** What the `onDestroy` hooks have, even if draining took all the time there was. */
const endingMsMin = 2_000;

export class IndelibleNode {
	readonly hocuspocus: Hocuspocus;
	readonly durability: Durability;
	/** What goes from client to client. */
	readonly sync: Sync;
	/** What connects this node with others; `undefined` without Redis. */
	readonly bus: RedisBus | undefined;
	/** Whether nothing says who may do what, so that everybody may do everything. */
	readonly isOpen: boolean;
	/** What keeps documents in memory after their last client has left. */
	readonly linger: Linger;
	/** Who is believed what they say of the address for which they speak. */
	readonly trustedProxies: TrustedProxies;
	readonly #auth: Auth;
	/** Where documents are stored, for people: a path or a host. */
	readonly location: string;
	readonly #settings: NodeSettings;
	readonly #logger: DurabilityLogger;
	readonly #transport: WebSocketTransport;
	readonly #load: LoadWatch;
	readonly #limits: Limits;
	readonly #limitReports: LimitReports;
	readonly #introspection: Introspection;
	readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) =>
		this.handleUpgrade(request, socket, head);
	#door: Door | undefined;
	#phase: Phase = "serving";
	#drained: Promise<void> | undefined;
	#closed: Promise<CloseResult> | undefined;

	constructor(parts: NodeParts) {
		const { hocuspocus, durability, sync, bus, linger, auth, isOpen, settings, location, logger } = parts;
		this.hocuspocus = hocuspocus;
		this.durability = durability;
		this.sync = sync;
		this.bus = bus;
		this.linger = linger;
		this.#auth = auth;
		this.isOpen = isOpen;
		this.trustedProxies = parts.trustedProxies;
		this.#limits = parts.limits;
		this.#limitReports = parts.limits.reports;
		this.location = location;
		this.#settings = settings;
		this.#logger = logger;
		const { frameBytesMax, documentNameBytesMax, pingIntervalMs, authTimeoutMs } = settings;
		this.#transport = new WebSocketTransport({
			hocuspocus,
			lobby: sync.lobby,
			frameBytesMax,
			documentNameBytesMax,
			pingIntervalMs,
			authTimeoutMs,
			traffic: parts.limits.traffic,
			newcomers: parts.limits.newcomers,
			logger,
			trustedProxies: parts.trustedProxies,
			refusal: () => this.#refusal(),
		});
		const { readerBacklogBytesMax } = settings;
		this.#introspection = new Introspection({ hocuspocus, durability, linger, readerBacklogBytesMax });
		const { loopDelayMsMax, memoryBytesMax, connectionsMax } = settings;
		this.#load = new LoadWatch({
			loopDelayMsMax,
			memoryBytesMax,
			connectionsMax,
			backlogBytesMax: settings.backlogBytesMax,
			connections: () => this.connections,
			backlogBytes: () => durability.stats().backlogBytes,
			release: () => linger.release(),
			shed: (count) => this.#shed(count),
			logger,
		});
	}

	/** Number of open WebSockets. */
	get connections(): number {
		return this.#transport.connections;
	}

	/** Whether less memory in use would help. */
	get isMemoryShort(): boolean {
		return this.#load.isMemoryShort;
	}

	/** What tells this node apart, for as long as it runs; the answer to each upgrade request says it. */
	get name(): string {
		return this.#transport.name;
	}

	/** Has `indelible doctor` be told from where it seems to come, when it shows that it knows this token. */
	answerDoctor(adminToken: string): void {
		this.#transport.adminToken = adminToken;
	}

	/** For `Metrics`, which finds the node's extensions by itself. */
	declareMetrics(sink: MetricSink): void {
		sink.gauge("indelible_ready", "1 when /readyz says so", () => (this.readiness().ready ? 1 : 0));
		sink.gauge(
			"indelible_degraded",
			"Entries under `degraded` in /readyz",
			() => this.readiness().degraded?.length ?? 0,
		);
		this.#transport.declareMetrics(sink);
		this.#load.declareMetrics(sink);
		const { databaseUrl, data } = this.#settings;
		if (databaseUrl === undefined) declareDiskMetrics(sink, data);
	}

	/** For `/readyz`: a load balancer should send people elsewhere while this is not ready. */
	readiness(): Readiness {
		const reasons =
			this.#phase === "serving"
				? [...this.durability.problems, ...this.#load.problems]
				: [`the node is ${this.#phase}`];
		const ready = reasons.length === 0;
		const degraded = [...(this.bus?.problems ?? []), ...this.durability.degradations];
		return this.bus === undefined && degraded.length === 0
			? { ready, reasons }
			: { ready, reasons, degraded };
	}

	/** How the node is now. */
	overview(): NodeState {
		const { ready, reasons, degraded = [] } = this.readiness();
		const { backlogUpdates, backlogBytes } = this.durability.stats();
		const { connectionsMax, backlogBytesMax } = this.#settings;
		return {
			phase: this.#phase,
			ready,
			reasons: inShort(reasons),
			degraded: inShort(degraded),
			connections: this.connections,
			connectionsMax,
			documents: this.hocuspocus.getDocumentsCount(),
			backlogUpdates,
			backlogBytes,
			backlogBytesMax,
			slowReadersTotal: this.sync.stats().slowReaders,
			store: this.location,
		};
	}

	/** Documents in memory whose names contain `search`, the first ones in the order of `sort`. */
	documents(query: DocumentQuery): DocumentList {
		return this.#introspection.documents(query);
	}

	/** What is known of a document in memory; `undefined` for one that is not. */
	document(documentName: string): DocumentFacts | undefined {
		return this.#introspection.document(documentName);
	}

	/**
	 * Measures a document that is in memory, there and in the store; `undefined` for one that is not. That takes as long as opening it
	 * and a client's joining.
	 */
	measure(documentName: string): Promise<MeasuredSize | undefined> {
		return this.#introspection.measure(documentName);
	}

	/** Clients for whom something is waiting that they have not read, those first for whom most is. */
	slowReaders(limit: number): readonly ConnectionFacts[] {
		return this.#introspection.slowReaders(limit);
	}

	/**
	 * Closes a socket, with 4410, and with it every document that is open on it. The client comes back by itself.
	 * @param id As {@link document} names it: Hocuspocus' `socketId`.
	 * @returns Whether there was one.
	 */
	closeConnection(id: string): boolean {
		return this.#introspection.closeConnection(id);
	}

	/** Closes a document's connections and has it leave memory once all of it is saved. Waits for that, for four seconds at most. */
	unload(documentName: string): Promise<Outcome> {
		return this.#introspection.unload(documentName);
	}

	/** Serves WebSockets on every path of an HTTP server. */
	attach(httpServer: HttpServer): void {
		httpServer.on("upgrade", this.#onUpgrade);
	}

	/** For an HTTP server's `upgrade` event, when only some paths are ours. Never throws. */
	handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
		// Nobody else listens while the hooks run, and an error that nobody listens for ends the process.
		socket.on("error", ignore);
		this.#upgrade(request, socket, head);
	}

	#upgrade(request: UpgradeRequest, socket: Duplex | Doorstep, head: Buffer): void {
		// By the door, only our own hooks are given either, and of both they use no more than there is.
		const payload = { request, socket, head, instance: this.hocuspocus } as onUpgradePayload;
		this.hocuspocus.hooks("onUpgrade", payload).then(
			() => this.#transport.handleUpgrade(request, socket, head),
			// As on a stock server: a hook that rejects with nothing has answered the request itself.
			(error) => error && refuseUpgrade(socket, 500, "the onUpgrade hook failed"),
		);
	}

	/** Whether no `onUpgrade` hook but our own would see who comes. */
	#isDoorOpen(): boolean {
		const { extensions } = this.hocuspocus.configuration;
		return extensions.every(
			(extension) =>
				typeof extension.onUpgrade !== "function" || extension === this.#auth || extension === this.#limits,
		);
	}

	/**
	 * Runs the `onRequest` hooks, as a stock server does for each HTTP request.
	 * @returns Whether a hook has answered it.
	 */
	async handleRequest(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
		try {
			await this.hocuspocus.hooks("onRequest", { request, response, instance: this.hocuspocus });
			return false;
		} catch (error) {
			if (error) this.#logger.error({ err: error }, "an onRequest hook failed");
			if (error && !response.headersSent) response.writeHead(500).end("the onRequest hook failed");
			return true;
		}
	}

	/**
	 * Attaches the node to an HTTP server, has it listen, and runs the `onListen` hooks.
	 * @throws What `server.listen` emits, such as `EADDRINUSE`.
	 */
	async listen(
		httpServer: HttpServer,
		{ port, host }: { port: number; host?: string },
	): Promise<AddressInfo> {
		this.attach(httpServer);
		await new Promise<void>((resolve, reject) => {
			httpServer.once("error", reject);
			httpServer.listen({ port, host, backlog }, () => {
				httpServer.off("error", reject);
				resolve();
			});
		});
		this.#door = openDoor(httpServer, {
			isOpen: () => this.#isDoorOpen(),
			upgrade: this.#onUpgrade,
			welcome: (request, doorstep, head) => this.#upgrade(request, doorstep, head),
		});
		const address = httpServer.address() as AddressInfo;
		const { configuration } = this.hocuspocus;
		await this.hocuspocus.hooks("onListen", { instance: this.hocuspocus, configuration, port: address.port });
		return address;
	}

	/**
	 * Ends or downgrades the connections of a user, or to a document, on all nodes, and refuses the same credentials from now on.
	 * Users go by `sub` of their token, or by `user.id` of the context that your `onAuthenticate` hook returned.
	 * @returns How many connections of this node it has met.
	 * @throws {RangeError} when more was revoked lately than is remembered.
	 */
	revoke(request: RevocationRequest): number {
		return this.#auth.revoke(request);
	}

	/** A connection for server-side code, as Hocuspocus': `await connection.transact(…)` means on disk. */
	openDirectConnection(
		documentName: string,
		context?: unknown,
	): ReturnType<Hocuspocus["openDirectConnection"]> {
		return this.hocuspocus.openDirectConnection(documentName, context);
	}

	/**
	 * Takes nobody new, closes all sockets with 1012 over `drainWindowMs`, and writes what is left [TRN3]. Resolves when
	 * that is done, however long the store takes; {@link close} has a deadline.
	 */
	drain(): Promise<void> {
		if (this.#phase === "serving") this.#phase = "draining";
		this.linger.end();
		const { drainWindowMs, shutdownDeadlineMs } = this.#settings;
		// Whoever is left at the deadline is cut off, and comes back with all others in the same moment.
		this.#drained ??= this.#transport
			.drain(Math.min(drainWindowMs, shutdownDeadlineMs / 2))
			.then(async () => {
				this.hocuspocus.flushPendingStores();
				await this.durability.flush();
			});
		return this.#drained;
	}

	/**
	 * Drains, for `shutdownDeadlineMs` at most, then ends everything: sockets, extensions (`onDestroy`), the store. The
	 * HTTP server is its owner's to close. An `onDestroy` hook that takes longer than what is left of that time, and longer
	 * than two seconds, is left behind.
	 */
	close(): Promise<CloseResult> {
		this.#closed ??= this.#close();
		return this.#closed;
	}

	async #close(): Promise<CloseResult> {
		const { shutdownDeadlineMs } = this.#settings;
		const untilMs = performance.now() + shutdownDeadlineMs;
		const drained = await within(shutdownDeadlineMs, this.drain());
		this.#transport.terminate();
		this.#door?.close();
		this.#phase = "closed";
		this.#load.close();
		const { backlogUpdates } = this.durability.stats();
		const ending = this.hocuspocus.hooks("onDestroy", { instance: this.hocuspocus });
		if (!(await within(Math.max(untilMs - performance.now(), endingMsMin), ending)))
			this.#logger.error({}, "an onDestroy hook or the store did not end in time and was left behind");
		return { drained, unwrittenUpdates: backlogUpdates };
	}

	#shed(count: number): number {
		const { shedIdleMs } = this.#settings;
		if (shedIdleMs === 0) return 0;
		const shed = this.#transport.shedIdle(count, shedIdleMs);
		for (let told = 0; told < shed; told += 1)
			this.#limitReports.report({ type: "closed", limit: "idle-connections" });
		return shed;
	}

	#refusal(): string | undefined {
		if (this.#phase !== "serving") return `this node is ${this.#phase}`;
		return this.durability.accepting ? this.#load.refusal() : "this node cannot save now";
	}
}

/** There may be one for each document. */
function inShort(reasons: readonly string[]): string[] {
	return reasons.slice(0, 20).map((reason) => reason.slice(0, 1_000));
}

/** Made here, it keeps nothing of a request in memory for as long as there is its socket. */
function ignore(): void {}

export interface CloseResult {
	/** Whether all sockets were closed and everything was written before the deadline. */
	readonly drained: boolean;
	/** Updates that the store did not take. None of them was acknowledged. */
	readonly unwrittenUpdates: number;
}

/** @returns Whether `work` ended in time. */
async function within(deadlineMs: number, work: Promise<void>): Promise<boolean> {
	const deadline = Promise.withResolvers<boolean>();
	const timer = setTimeout(() => deadline.resolve(false), deadlineMs);
	try {
		return await Promise.race([work.then(() => true), deadline.promise]);
	} finally {
		clearTimeout(timer);
	}
}
