import { type Configuration, type Extension, Hocuspocus } from "@hocuspocus/server";
import { Auth, type AuthEvent } from "../extensions/auth/index.ts";
import {
	type CompactionThresholds,
	Durability,
	type DurabilityEvent,
	type DurabilityLogger,
} from "../extensions/durability/index.ts";
import type { Seed } from "../extensions/durability/seed/index.ts";
import type { Store } from "../extensions/durability/store.ts";
import { ContentLimits, type LimitEvent, LimitReports } from "../extensions/limits/index.ts";
import { Linger } from "../extensions/linger/index.ts";
import type { Metrics } from "../extensions/metrics/index.ts";
import type { BusEvent, RedisBus, RedisBusOptions, RedisClient } from "../extensions/redis/index.ts";
import { Sync } from "../extensions/sync/index.ts";
import { asSettingsError, authOptions, hasAuth, refusalOf } from "./auth-options.ts";
import { listOf } from "./auth-settings.ts";
import { codeOfNodes } from "./code-options.ts";
import { documentStore } from "./document-store.ts";
import { containHookErrors, type Hooks, takeHooks } from "./hooks.ts";
import { makeLimits, queueLimits } from "./limits.ts";
import { createLogger } from "./logging.ts";
import { makeTracing } from "./make-tracing.ts";
import { IndelibleNode } from "./node.ts";
import { refusePrivateStore } from "./private-store.ts";
import { defaultData, type NodeSettings, resolveNodeSettings, theOptions } from "./settings.ts";
import type { SettingProblem } from "./settings-error.ts";
import { addressOf, TrustedProxies } from "./transport/client-address.ts";

/** Options of {@link createNode}: {@link NodeSettings}, any Hocuspocus hook, and what only code can say. */
export interface NodeOptions extends Partial<NodeSettings>, Hooks {
	/** Hocuspocus extensions, run after our own as their `priority` says. */
	readonly extensions?: readonly Extension[] | undefined;
	/** Content for a document that was never stored; see docs/seeding.md. */
	readonly seed?: Seed | undefined;
	/** Where documents are kept; by default in Postgres at `databaseUrl`, or else in an SQLite database in the folder `data`. The node opens and closes it. */
	readonly store?: Store | undefined;
	/**
	 * Makes a connection to Redis, in place of `redisUrl`: for whatever else ioredis can. Called twice.
	 */
	readonly redis?: (() => RedisClient) | undefined;
	/** When logs are merged into snapshots. */
	readonly compaction?: Partial<CompactionThresholds> | undefined;
	/** Options of each `Y.Doc`, as Hocuspocus' `yDocOptions`. */
	readonly yDocOptions?: Configuration["yDocOptions"] | undefined;
	/** A pino logger, or anything with its four methods. Standard output by default. */
	readonly logger?: DurabilityLogger | undefined;
	readonly onDurabilityEvent?: ((event: DurabilityEvent) => void) | undefined;
	readonly onBusEvent?: ((event: BusEvent) => void) | undefined;
	readonly onAuthEvent?: ((event: AuthEvent) => void) | undefined;
	readonly onLimitEvent?: ((event: LimitEvent) => void) | undefined;
}

/**
 * Makes a node: a Hocuspocus instance with durable acknowledgements behind our own WebSocket transport. Attach it to an
 * HTTP server to serve it.
 * @throws {SettingsError} when an option is unknown or impossible.
 * @throws {StoreConfigurationError} when the store can't work as configured.
 * @throws {RedisRefusedError} when Redis does not let us in.
 */
export async function createNode(options: NodeOptions = {}): Promise<IndelibleNode> {
	const { hooks, rest } = takeHooks(options);
	const { extensions = [], seed, compaction, yDocOptions, onDurabilityEvent, ...others } = rest;
	const {
		store: givenStore,
		redis,
		onBusEvent,
		onAuthEvent,
		onLimitEvent,
		logger: givenLogger,
		...given
	} = others;
	const settings = resolveNodeSettings(given, { names: codeOfNodes.names, problems: problemsOf(options) });
	const { redisUrl, redisPrefix } = settings;
	const isClustered = redis !== undefined || redisUrl !== undefined;
	if (isClustered && givenStore === undefined) refusePrivateStore(settings);
	const isOpen = !hasAuth(settings, hooks, extensions);
	const refusal = refusalOf(settings, isOpen);
	if (refusal !== undefined) throw refusal;
	const logger = givenLogger ?? createLogger({ logLevel: "info", logFormat: "auto" });
	const store = givenStore ?? documentStore(settings, isClustered ? redisPrefix : undefined);
	if (settings.databaseUrl !== undefined && settings.data !== defaultData) {
		logger.info({ data: settings.data }, `documents are kept in ${store.location}; the folder is not used`);
	}
	const auth = makeAuth(settings, logger, onAuthEvent);
	const limitReports = new LimitReports({ logger, onEvent: onLimitEvent });
	const trustedProxies = new TrustedProxies(listOf(settings.trustedProxies ?? ""));
	const limits = makeLimits(settings, trustedProxies, limitReports);
	const contentLimits = new ContentLimits({ ...settings, addressOf, reports: limitReports });
	const { backlogBytesMax, commitDelayMs, commitIntervalMs } = settings;
	const durability = new Durability({
		store,
		seed,
		compaction,
		backlogBytesMax,
		commitDelayMs,
		commitIntervalMs,
		logger,
		onEvent: onDurabilityEvent,
	});
	await durability.open();
	const busOptions = {
		url: redisUrl,
		redis,
		prefix: redisPrefix,
		log: durability,
		logger,
		onEvent: onBusEvent,
	};
	const linger = makeLinger(settings, durability, logger, () => node.isMemoryShort);
	const { flushIntervalMs, readerBacklogBytesMax } = settings;
	const sync = new Sync({ flushIntervalMs, readerBacklogBytesMax, logger });
	const bus = isClustered ? await makeBus(busOptions) : undefined;
	const tracing = await makeTracing(settings, logger);
	if (bus !== undefined) auth.connect(bus);
	const hocuspocus = new Hocuspocus({
		...hooks,
		...(yDocOptions === undefined ? {} : { yDocOptions }),
		...queueLimits(settings),
		extensions: [
			durability,
			sync,
			...(bus === undefined ? [] : [bus]),
			linger,
			contentLimits,
			auth,
			limits,
			...(tracing === undefined ? [] : [tracing]),
			...extensions,
		],
	});
	containHookErrors(hocuspocus, logger);
	const parts = {
		hocuspocus,
		durability,
		sync,
		bus,
		linger,
		auth,
		limits,
		trustedProxies,
		isOpen,
		settings,
		location: store.location,
		logger,
	};
	const node = new IndelibleNode(parts);
	for (const extension of extensions) if (isMetrics(extension)) node.declareMetrics(extension.sink);
	try {
		await bus?.open();
	} catch (error) {
		await node.close();
		throw error;
	}
	return node;
}

/** Of whatever copy of this package it is. */
function isMetrics(extension: Extension): extension is Metrics {
	return extension.extensionName === "Metrics" && "sink" in extension;
}

/** A hook that is no function would be a node that asks nobody, or an error with the first visitor. */
function problemsOf(options: NodeOptions): SettingProblem[] {
	return Object.entries(options).flatMap(([name, value]) => {
		const problem = value === undefined ? undefined : codeOfNodes.problemWith(name, value);
		return problem === undefined ? [] : { where: theOptions, name, problem };
	});
}

function makeAuth(
	settings: NodeSettings,
	logger: DurabilityLogger,
	onEvent: NodeOptions["onAuthEvent"],
): Auth {
	const options = authOptions(settings);
	try {
		return new Auth({ ...options, addressOf, logger, onEvent });
	} catch (error) {
		throw asSettingsError(error);
	}
}

function makeLinger(
	{ lingerMs, lingerDocumentsMax, lingerBytesMax }: NodeSettings,
	durability: Durability,
	logger: DurabilityLogger,
	isMemoryShort: () => boolean,
): Linger {
	return new Linger({
		lingerMs,
		documentsMax: lingerDocumentsMax,
		bytesMax: lingerBytesMax,
		contentBytes: ({ name }) => durability.storedBytes(name) ?? 0,
		mayLinger: ({ name }) => durability.isSound(name) && !isMemoryShort(),
		logger,
	});
}

/** A node on its own need not load what speaks to Redis. */
async function makeBus(options: RedisBusOptions): Promise<RedisBus> {
	const extension = await import("../extensions/redis/index.ts");
	return new extension.RedisBus(options);
}
