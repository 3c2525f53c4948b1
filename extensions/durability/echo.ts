import { type Connection, type Document, isTransactionOrigin } from "@hocuspocus/server";

/**
 * Hocuspocus sends an update to everybody, its author included, who has it already. This knows, while a document sends
 * what has gathered, whose it is, when all of it is one client's.
 */
export class Echo {
	/** Whose changes are waiting to be sent: `undefined` for nobody's, `null` for more than one client's. */
	#waiting: Connection | null | undefined;
	#sending: Connection | null | undefined;

	constructor(document: Document) {
		// Before Hocuspocus hears of the change, as it may send at once.
		document.on("beforeTransaction", ({ origin }: { origin: unknown }) => {
			const author = isTransactionOrigin(origin) && origin.source === "connection" ? origin.connection : null;
			// What Yjs was holding back may come with the change, and is somebody else's.
			const { pendingStructs, pendingDs } = document.store;
			const isWhole = pendingStructs === null && pendingDs === null;
			const isAlone = this.#waiting === undefined || this.#waiting === author;
			this.#waiting = isWhole && isAlone ? author : null;
		});
		const flush = document.flush.bind(document);
		document.flush = () => {
			this.#sending = this.#waiting;
			this.#waiting = undefined;
			try {
				return flush();
			} finally {
				this.#sending = undefined;
			}
		};
	}

	/** Whether what is being sent now is this client's own. */
	isFor(connection: Connection): boolean {
		return this.#sending === connection;
	}
}
