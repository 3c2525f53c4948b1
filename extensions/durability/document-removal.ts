import type { Relay } from "../auth/relay.ts";
import type { CommitLog } from "./commit-log.ts";
import type { DeletedDocuments } from "./deleted-documents.ts";
import type { DocumentEntry } from "./document-entry.ts";
import type { DocumentLog } from "./document-log.ts";
import type { DurabilityLogger } from "./logging.ts";
import { RecentDeletions } from "./recent-deletions.ts";
import {
	type Catalogue,
	type CatalogueQuery,
	type DeleteResult,
	type DocumentPage,
	type Store,
	StoreConfigurationError,
} from "./store.ts";
import type { StoreFollower } from "./store-follower.ts";
import type { StoreReader } from "./store-reader.ts";

export interface DocumentRemovalOptions {
	readonly store: Store;
	readonly commitLog: CommitLog;
	/** Those in memory. */
	readonly entries: ReadonlyMap<string, DocumentEntry>;
	readonly reader: StoreReader;
	readonly follower: StoreFollower | undefined;
	readonly deleted: DeletedDocuments;
	readonly logger: DurabilityLogger;
}

/** What nodes tell each other: documents of lower generations of this name were deleted. */
interface Deletion {
	readonly documentName: string;
	readonly generation: number;
}

/**
 * Deletes documents on all nodes [DUR7]. The store is what makes it so: it takes nothing more of a document that was deleted, whoever
 * appends it. Other nodes are told so that their people hear of it at once, and that they do not pass on what they have of it.
 */
export class DocumentRemoval {
	readonly #options: DocumentRemovalOptions;
	/** Deleted lately: such a document may be being loaded here, as it was before. */
	readonly #recent = new RecentDeletions();
	#tell: (payload: string) => void = () => {};
	/** Documents deleted through this server since it was made. */
	deletions = 0;
	/** How often somebody was refused who wanted to open one. */
	refusals = 0;

	constructor(options: DocumentRemovalOptions) {
		this.#options = options;
	}

	/** What is said again after messages were lost is in the store, which is read then anyway. */
	connect(relay: Relay): void {
		this.#tell = relay.join(
			"deletions",
			(payload) => this.#heard(payload),
			() => {},
		);
	}

	async list(query: CatalogueQuery): Promise<DocumentPage> {
		return await this.#catalogue.list(query);
	}

	/** See `Durability.delete`. */
	async delete(documentName: string): Promise<DeleteResult["status"]> {
		const { entries, reader, follower, logger } = this.#options;
		let result: DeleteResult;
		try {
			// Somebody may have it open who has not written anything yet.
			result = await this.#catalogue.delete(documentName, { evenIfUnknown: entries.has(documentName) });
		} catch (error) {
			// It may be done all the same.
			reader.read(documentName);
			throw error;
		}
		if (result.status === "unknown") return result.status;
		const { generation } = result;
		this.#carryOut({ documentName, generation });
		this.#tell(JSON.stringify({ documentName, generation }));
		follower?.deleted(documentName);
		if (result.status === "deleted") {
			this.deletions += 1;
			logger.info({}, "a document was deleted");
			// What it is called may say more than an operator should read every day.
			logger.debug({ documentName }, "this was the document");
		}
		return result.status;
	}

	/** See `Durability.free`. */
	async free(documentName: string): Promise<boolean> {
		const wasDeleted = await this.#catalogue.free(documentName);
		const { logger } = this.#options;
		if (wasDeleted) {
			logger.info({}, "the name of a deleted document was freed");
			logger.debug({ documentName }, "this was the name");
		}
		return wasDeleted;
	}

	/** Whether what was read of the store was deleted while it was read. */
	isGone(documentName: string, generation: number): boolean {
		return this.#recent.has(documentName, generation);
	}

	/** The store has refused what was to be appended. */
	refused(log: DocumentLog): void {
		const entry = this.#options.entries.get(log.documentName);
		if (entry?.log === log) this.end(entry);
	}

	/** What a client is told that opens it. */
	refusalOf(documentName: string): DeletedRefusal {
		this.refusals += 1;
		return new DeletedRefusal(documentName);
	}

	/** Whoever has it open is sent away, and nothing of it is stored or acknowledged any more. */
	end(entry: DocumentEntry): void {
		this.#options.commitLog.discard(entry.log);
		this.#options.deleted.end(entry.document);
	}

	get #catalogue(): Catalogue {
		const { catalogue, location } = this.#options.store;
		if (catalogue !== undefined) return catalogue;
		throw new StoreConfigurationError(`the store ${location} can neither list nor delete documents`);
	}

	#heard(payload: string): void {
		const deletion = readDeletion(payload);
		if (deletion !== undefined) this.#carryOut(deletion);
	}

	#carryOut({ documentName, generation }: Deletion): void {
		this.#recent.add(documentName, generation);
		const entry = this.#options.entries.get(documentName);
		if (entry !== undefined && entry.log.generation < generation) this.end(entry);
	}
}

/** @returns `undefined` for what can't be understood, as from a later edition. */
function readDeletion(payload: string): Deletion | undefined {
	try {
		const { documentName, generation } = Object(JSON.parse(payload)) as Record<string, unknown>;
		const isOne = typeof documentName === "string" && typeof generation === "number" && generation > 0;
		return isOne ? { documentName, generation } : undefined;
	} catch {
		return undefined;
	}
}

/** Without a message: Hocuspocus prints those, and clients with old copies may come often. */
export class DeletedRefusal extends Error {
	override readonly name = "DeletedRefusal";
	/** Hocuspocus sends this to the client in its PermissionDenied message. */
	readonly reason = "document-deleted";
	readonly documentName: string;

	constructor(documentName: string) {
		super("");
		this.documentName = documentName;
	}
}
