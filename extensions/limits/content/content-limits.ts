import type {
	afterLoadDocumentPayload,
	Connection,
	Document,
	Extension,
	onConfigurePayload,
} from "@hocuspocus/server";
import { type Clock, systemClock } from "../../durability/clock.ts";
import type { DurabilityLogger } from "../../durability/logging.ts";
import { inspectIncoming } from "../../durability/wire.ts";
import type { MetricSink } from "../../metrics/metric-sink.ts";
import type { MessageScreen, Screening } from "../../sync/message-screen.ts";
import { SingleRefusals } from "../../sync/single-refusals.ts";
import { defaultLimits } from "../defaults.ts";
import type { LimitListener } from "../limit-event.ts";
import { LimitReports } from "../limit-reports.ts";
import { ConflictEfforts } from "./conflict-effort.ts";
import { defaultContentLimits } from "./content-defaults.ts";
import { Costs } from "./costs.ts";
import { DocumentScreen } from "./document-screen.ts";
import type { ContentLimitsMax, ScreenContext } from "./screen-context.ts";
import { Strikes } from "./strikes.ts";

/** Each limit has a default in {@link defaultContentLimits}; 0 switches it off. */
export interface ContentLimitsOptions {
	/** Bytes of one update. Whoever sends a larger one is closed; of a client that comes back with one, it is refused. */
	readonly updateBytesMax?: number | undefined;
	/** Structs and deleted ranges in one update; values in them count by a fraction. */
	readonly updatePartsMax?: number | undefined;
	/**
	 * Others' items that Yjs looks at to find the places of what is written, at once; a 30th of it comes back each second. Only with `Sync`.
	 */
	readonly documentConflictsMax?: number | undefined;
	/** Bytes of a document, as one update; it may be passed by a sixteenth. Past it, what makes it larger is refused. */
	readonly documentBytesMax?: number | undefined;
	/** Names of root types in a document. */
	readonly documentRootsMax?: number | undefined;
	/** Of what Yjs holds back of a document because it builds on something that has not come, in bytes and what they cost. */
	readonly pendingBytesMax?: number | undefined;
	/** Bytes of one client's presence. */
	readonly presenceBytesMax?: number | undefined;
	/** Bytes of the presence of all clients of a document, of which that under 1 KiB does not count. */
	readonly documentPresenceBytesMax?: number | undefined;
	/** Awareness clients for which one connection to a document may speak. */
	readonly presenceClientsPerConnectionMax?: number | undefined;
	/** As `Limits` has it: what costs more than a message counts as several. */
	readonly messagesPerSecondMax?: number | undefined;
	readonly limitPrivateAddresses?: boolean | undefined;
	/** From where a client has connected; without it nobody is told apart by that. */
	readonly addressOf?: ((request: Request) => string | undefined) | undefined;
	/** Where limits are reported; made from the two below by default. */
	readonly reports?: LimitReports | undefined;
	readonly logger?: DurabilityLogger | undefined;
	readonly onEvent?: LimitListener | undefined;
	/** For tests. */
	readonly clock?: Clock | undefined;
}

/** Refusals of one kind that a connection survives. An editor that is over a limit tries again with each change. */
const strikesMax = 200;

/** Who knows how large documents are: the `Durability` of this server. */
interface Sizes {
	storedBytes(documentName: string): number | undefined;
}

/**
 * What is too much of content: of updates, of documents, of what waits for something that never comes, of presence. A Hocuspocus
 * extension; where `Sync` is, that asks it, and elsewhere it stands before each connection. What other nodes, the store and the
 * server's own code write is never refused.
 */
export class ContentLimits implements Extension, Screening {
	readonly extensionName = "ContentLimits";
	/** Behind those that bring documents, before those that let people in. */
	readonly priority = 20_000;
	readonly #context: ScreenContext;
	readonly #screened = new WeakSet<Document>();
	#sizes: Sizes | undefined;

	constructor(options: ContentLimitsOptions = {}) {
		const { logger, onEvent, clock = systemClock, addressOf = () => undefined, ...limits } = options;
		const { messagesPerSecondMax, limitPrivateAddresses } = { ...defaultLimits, ...defined(options) };
		const { reports = new LimitReports({ logger, onEvent }) } = options;
		const max = withDefaults(limits);
		const now = () => clock.now();
		this.#context = {
			limits: max,
			storedBytes: (documentName) => this.#sizes?.storedBytes(documentName),
			clock,
			reports,
			refusals: new SingleRefusals(),
			costs: new Costs({ messagesPerSecondMax, limitPrivateAddresses, addressOf, reports, now }),
			efforts: new ConflictEfforts(max.documentConflictsMax, now),
			pendingStrikes: new Strikes(strikesMax),
			presenceStrikes: new Strikes(strikesMax),
		};
	}

	declareMetrics(sink: MetricSink): void {
		this.#context.reports.declareMetrics(sink);
	}

	async onConfigure({ instance }: onConfigurePayload): Promise<void> {
		const { extensions } = instance.configuration;
		this.#sizes = extensions.find((extension) => "storedBytes" in extension) as Sizes | undefined;
	}

	screen(document: Document, settle: () => void): MessageScreen {
		this.#screened.add(document);
		return new DocumentScreen(document, this.#context, settle);
	}

	/** On a server without `Sync`. */
	async afterLoadDocument({ document }: Pick<afterLoadDocumentPayload, "document">): Promise<void> {
		if (this.#screened.has(document)) return;
		const screen = this.screen(document, () => {});
		const addConnection = document.addConnection.bind(document);
		document.addConnection = (connection) => {
			addConnection(connection);
			standBefore(connection, screen);
			return document;
		};
	}
}

function standBefore(connection: Connection, screen: MessageScreen): void {
	const handleMessage = connection.handleMessage.bind(connection);
	connection.handleMessage = (message) => {
		const admission = screen.admit(connection, message, inspectIncoming(message));
		if (admission.type !== "done") handleMessage("message" in admission ? admission.message : message);
	};
}

function defined({ messagesPerSecondMax, limitPrivateAddresses }: ContentLimitsOptions) {
	return {
		...(messagesPerSecondMax !== undefined && { messagesPerSecondMax }),
		...(limitPrivateAddresses !== undefined && { limitPrivateAddresses }),
	};
}

function withDefaults(given: Partial<Record<keyof ContentLimitsMax, number | undefined>>): ContentLimitsMax {
	const names = Object.keys(defaultContentLimits) as (keyof ContentLimitsMax)[];
	const limits = names.map((name) => {
		const max = given[name] ?? defaultContentLimits[name];
		return [name, max === 0 ? Number.POSITIVE_INFINITY : max];
	});
	return Object.fromEntries(limits) as ContentLimitsMax;
}
