import {
	type Connection,
	type Extension,
	Hocuspocus,
	type HookName,
	isTransactionOrigin,
} from "@hocuspocus/server";
import { isFromSeveral } from "./origins.ts";

/** Hooks that Hocuspocus runs for a message of a client. */
const messageHooks = ["beforeHandleMessage", "afterHandleMessage", "beforeSync"] as const;
/** Hooks that Hocuspocus runs for presence. */
const presenceHooks = ["beforeHandleAwareness", "onAwarenessUpdate"] as const;
/** Hooks that Hocuspocus runs between letting a client in and answering it. */
const loadingHooks = ["onCreateDocument", "onLoadDocument", "afterLoadDocument", "connected"] as const;
/** Extensions of ours that have such hooks and keep nothing from a client that was let in. */
const ownExtensions: ReadonlySet<string> = new Set([
	"Durability",
	"Sync",
	"RedisBus",
	"Auth",
	"Limits",
	"Linger",
	"ContentLimits",
]);
/** Hooks that Hocuspocus runs for an update of a document. */
const updateHooks = ["onChange", "onStoreDocument", "afterStoreDocument"] as const;

/**
 * Hocuspocus 4.7 prepares four hooks for every update, and for each of them parses the URL of its author's request anew,
 * whether anybody has such a hook or not. This takes out those that nobody has.
 */
export class UnwatchedHooks {
	readonly #extensions: readonly Extension[];
	readonly #own: readonly Extension[];
	#areMessagesWatched: boolean | undefined;
	#unwatchedMessageHooks: readonly (typeof messageHooks)[number][] | undefined;
	#isPresenceWatched: boolean | undefined;
	#isLoadingWatched: boolean | undefined;

	/** @param own Whose hooks don't count: they would be told nothing that they don't know. */
	constructor(instance: Hocuspocus, own: readonly Extension[]) {
		this.#extensions = instance.configuration.extensions;
		this.#own = own;
		this.#spareUpdates(instance);
	}

	/** Whether somebody wants to see, or to hold up, what clients send, or to know whose update it was. */
	get areMessagesWatched(): boolean {
		this.#areMessagesWatched ??= [...messageHooks, ...updateHooks].some((name) => this.#isWatched(name));
		return this.#areMessagesWatched;
	}

	/** Whether somebody wants to see or to change presence, or to know whose it was. */
	get isPresenceWatched(): boolean {
		this.#isPresenceWatched ??= presenceHooks.some((name) => this.#isWatched(name));
		return this.#isPresenceWatched || this.areMessagesWatched;
	}

	/** Whether somebody adds to what is loaded, or may refuse it to a client that was let in. */
	get isLoadingWatched(): boolean {
		this.#isLoadingWatched ??= this.#extensions.some(
			(extension) =>
				!ownExtensions.has(extension.extensionName ?? "") &&
				loadingHooks.some((name) => doesSomething(extension[name])),
		);
		return this.#isLoadingWatched;
	}

	/** For a connection that Hocuspocus is just making: it gives it its hooks after this. */
	spare(connection: Connection): void {
		this.#unwatchedMessageHooks ??= messageHooks.filter((name) => !this.#isWatched(name));
		for (const name of this.#unwatchedMessageHooks) connection[name] = unchanged;
	}

	/** Nobody is told of an update, and nothing is put on the clock to be stored: the log has it. */
	#spareUpdates(instance: Hocuspocus): void {
		const seam = instance as unknown as { handleDocumentUpdate(...update: readonly unknown[]): void };
		const handle = seam.handleDocumentUpdate.bind(instance);
		let isWatched: boolean | undefined;
		seam.handleDocumentUpdate = (document, origin, update) => {
			isWatched ??= updateHooks.some((name) => this.#isWatched(name));
			// Code that edits documents on the server may do so rarely, and may rely on more.
			const isFromClient =
				isFromSeveral(origin) || (isTransactionOrigin(origin) && origin.source === "connection");
			if (isWatched || !isFromClient) handle(document, origin, update);
		};
	}

	#isWatched(name: HookName): boolean {
		return this.#extensions.some(
			(extension) => !this.#own.includes(extension) && doesSomething(extension[name]),
		);
	}
}

/**
 * Hooks that a stock server has where its owner gave none: they do nothing. Each instance makes its own, so they are known by their
 * text.
 */
const defaultHooks: ReadonlySet<string> = new Set(
	Object.values(new Hocuspocus().configuration)
		.filter((value) => typeof value === "function")
		.map(String),
);

/** One function for all connections. */
function unchanged(this: Connection): Connection {
	return this;
}

function doesSomething(hook: unknown): boolean {
	return typeof hook === "function" && !defaultHooks.has(String(hook));
}
