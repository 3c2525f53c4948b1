import type { Connection, Document } from "@hocuspocus/server";
import { encodeStateAsUpdate, type Transaction } from "yjs";
import { grows } from "./growth.ts";
import type { ScreenContext } from "./screen-context.ts";

/** Of a document's size: by so much it may be passed before anybody looks, and so much must be free before it grows again. */
const stepShare = 1 / 16;
/** Looking takes no more than this share of the time. */
const measuringShare = 1 / 20;
const pauseMsMin = 500;
/** As how many messages looking counts of whoever has made it necessary. */
const messagesPerMs = 2;

/**
 * How large a document is, and whether it may grow. Its size is that of the update which makes it, and only looked at after so many
 * bytes came that it may have changed enough. The limit is for clients: what the server's own code and other nodes write is never refused.
 */
export class DocumentSize {
	readonly #document: Document;
	readonly #context: ScreenContext;
	readonly #settle: () => void;
	readonly #onRoom: (connection: Connection) => void;
	/** Bytes that may come until somebody looks. */
	#allowanceBytes: number;
	#isFull = false;
	#lookMs = 0;
	/** Who was refused how many bytes; made when somebody was. */
	#refused: Map<Connection, number> | undefined;
	/** Ends watching what makes room. */
	#endWatch: (() => void) | undefined;
	#cancelLook: (() => void) | undefined;

	/**
	 * @param settle Applies what was admitted and waits to be applied.
	 * @param onRoom There is room again for what this client was refused.
	 */
	constructor(
		document: Document,
		context: ScreenContext,
		settle: () => void,
		onRoom: (connection: Connection) => void,
	) {
		this.#document = document;
		this.#context = context;
		this.#settle = settle;
		this.#onRoom = onRoom;
		const knownBytes = context.storedBytes(document.name) ?? Number.POSITIVE_INFINITY;
		const freeBytes = context.limits.documentBytesMax - knownBytes;
		// Nobody knows: the first edit has it looked at.
		this.#allowanceBytes = freeBytes >= this.#stepBytes ? freeBytes : 0;
		// From wherever it comes. What clients send counts twice, as it is taken before it is applied; somebody looks earlier for that.
		document.on("update", (update: Uint8Array) => {
			this.#allowanceBytes -= update.byteLength;
		});
	}

	/** Takes an update without a look, if it may be. */
	takes(bytes: number): boolean {
		if (bytes > this.#allowanceBytes) return false;
		this.#allowanceBytes -= bytes;
		return true;
	}

	/** Whether an update may be applied which {@link takes} did not take. @throws when it can't be read. */
	admits(connection: Connection, update: Uint8Array): boolean {
		this.#settle();
		if (!this.#isFull) {
			const freeBytes = this.#look();
			this.#context.costs.charge(connection, this.#lookMs * messagesPerMs);
			if (update.byteLength <= freeBytes) {
				this.takes(update.byteLength);
				return true;
			}
		}
		if (!grows(this.#document, update)) return true;
		this.#refuse(connection, update.byteLength);
		return false;
	}

	get #stepBytes(): number {
		return Math.ceil(this.#context.limits.documentBytesMax * stepShare);
	}

	/** @returns How much larger the document may be. */
	#look(): number {
		const { clock, limits } = this.#context;
		const startedMs = clock.now();
		const { byteLength } = encodeStateAsUpdate(this.#document);
		this.#lookMs = clock.now() - startedMs;
		const freeBytes = limits.documentBytesMax - byteLength;
		this.#isFull = freeBytes < this.#stepBytes;
		this.#allowanceBytes = this.#isFull ? 0 : freeBytes;
		return freeBytes;
	}

	#refuse(connection: Connection, bytes: number): void {
		this.#refused ??= new Map();
		const before = this.#refused.get(connection);
		if (before === undefined) connection.onClose(() => this.#refused?.delete(connection));
		this.#refused.set(connection, Math.max(before ?? 0, bytes));
		this.#endWatch ??= this.#watch();
		// Something may have been deleted while nobody watched.
		this.#lookLater();
	}

	/** Deletions make room. */
	#watch(): () => void {
		const changed = ({ deleteSet }: Transaction) => {
			if (deleteSet.clients.size > 0) this.#lookLater();
		};
		const gone = () => this.#cancelLook?.();
		this.#document.on("afterTransaction", changed);
		this.#document.on("destroy", gone);
		return () => {
			this.#document.off("afterTransaction", changed);
			this.#document.off("destroy", gone);
		};
	}

	#lookLater(): void {
		const pauseMs = Math.max(pauseMsMin, this.#lookMs / measuringShare);
		this.#cancelLook ??= this.#context.clock.after(pauseMs, () => {
			this.#cancelLook = undefined;
			this.#lookForRoom();
		});
	}

	#lookForRoom(): void {
		const freeBytes = this.#look();
		if (this.#isFull) return;
		for (const [connection, bytes] of this.#refused ?? []) {
			if (bytes > freeBytes) continue;
			this.#refused?.delete(connection);
			this.#onRoom(connection);
		}
		if (this.#refused?.size !== 0) return;
		this.#endWatch?.();
		this.#endWatch = undefined;
	}
}
