import type { Connection, Document } from "@hocuspocus/server";
import { encodeStateAsUpdate, type Transaction } from "yjs";
import type { Clock } from "../../durability/clock.ts";
import { grows } from "./growth.ts";

/** Of a document's size: by so much it may be passed before anybody looks, and so much must be free before it grows again. */
const stepShare = 1 / 16;
/** Looking takes no more than this share of the time. */
const measuringShare = 1 / 20;
const pauseMsMin = 500;

export interface DocumentSizeOptions {
	readonly document: Document;
	readonly bytesMax: number;
	readonly clock: Clock;
	/** Applies what was admitted and waits to be applied. */
	readonly settle: () => void;
	/** There is room again for what this client was refused. */
	readonly onRoom: (connection: Connection) => void;
}

/**
 * How large a document is, and whether it may grow. Its size is that of the update which makes it, and only looked at after so many
 * bytes came that it may have changed enough. The limit is for clients: what the server's own code and other nodes write is never refused.
 */
export class DocumentSize {
	readonly #options: DocumentSizeOptions;
	readonly #stepBytes: number;
	/** Bytes that may come until somebody looks. */
	#allowanceBytes: number;
	#isFull = false;
	/** Who was refused how many bytes. */
	readonly #refused = new Map<Connection, number>();
	#cancelLook: (() => void) | undefined;
	#isWatched = false;
	#lookMs = 0;

	constructor(options: DocumentSizeOptions) {
		this.#options = options;
		this.#stepBytes = Math.ceil(options.bytesMax * stepShare);
		this.#allowanceBytes = this.#stepBytes;
	}

	/** Takes an update without a look, if it may be. */
	takes(bytes: number): boolean {
		if (bytes > this.#allowanceBytes) return false;
		this.#allowanceBytes -= bytes;
		return true;
	}

	/** Whether an update may be applied which {@link takes} did not take. @throws when it can't be read. */
	admits(connection: Connection, update: Uint8Array): boolean {
		const { document, bytesMax, settle } = this.#options;
		settle();
		if (!this.#isFull) {
			const sizeBytes = this.#look();
			if (sizeBytes + update.byteLength <= bytesMax) {
				this.takes(update.byteLength);
				return true;
			}
			this.#isFull = sizeBytes + this.#stepBytes > bytesMax;
			if (this.#isFull) this.#allowanceBytes = 0;
		}
		if (!grows(document, update)) return true;
		this.#refuse(connection, update.byteLength);
		return false;
	}

	/** @returns The size as it is. */
	#look(): number {
		const { document, bytesMax, clock } = this.#options;
		const startedMs = clock.now();
		const { byteLength } = encodeStateAsUpdate(document);
		this.#lookMs = clock.now() - startedMs;
		this.#allowanceBytes = Math.max(this.#stepBytes, bytesMax - byteLength);
		return byteLength;
	}

	#refuse(connection: Connection, bytes: number): void {
		const before = this.#refused.get(connection);
		if (before === undefined) connection.onClose(() => this.#refused.delete(connection));
		this.#refused.set(connection, Math.max(before ?? 0, bytes));
		if (this.#isWatched) return;
		this.#isWatched = true;
		const { document } = this.#options;
		document.on("afterTransaction", this.#changed);
		document.on("destroy", () => this.#cancelLook?.());
	}

	/** Deletions make room. */
	readonly #changed = ({ deleteSet }: Transaction): void => {
		if (deleteSet.clients.size === 0) return;
		const { clock } = this.#options;
		const pauseMs = Math.max(pauseMsMin, this.#lookMs / measuringShare);
		this.#cancelLook ??= clock.after(pauseMs, () => this.#lookAgain());
	};

	#lookAgain(): void {
		this.#cancelLook = undefined;
		const { document, bytesMax, onRoom } = this.#options;
		const freeBytes = bytesMax - this.#look();
		this.#isFull = freeBytes < this.#stepBytes;
		if (this.#isFull) {
			this.#allowanceBytes = 0;
			return;
		}
		for (const [connection, bytes] of this.#refused) {
			if (bytes > freeBytes) continue;
			this.#refused.delete(connection);
			onRoom(connection);
		}
		if (this.#refused.size > 0) return;
		this.#isWatched = false;
		document.off("afterTransaction", this.#changed);
	}
}
