import { type Document, IncomingMessage, isTransactionOrigin, MessageReceiver } from "@hocuspocus/server";
import { applyAwarenessUpdate } from "y-protocols/awareness";
import { onPresenceNamed } from "../sync/presence-named.ts";
import { type BusContext, isFromBus, originOf } from "./bus-context.ts";
import { readSender, speaksOurDialect } from "./frames.ts";
import { type AwarenessChange, Presence, presentIn, removalsIn } from "./presence.ts";

/** Carries a document's presence to other nodes and back. */
export class PresenceRelay {
	readonly #document: Document;
	readonly #bus: BusContext;
	readonly #presence: Presence;
	readonly #changed: () => void;
	/** Client ids whose presence changed in this turn. */
	readonly #changes = new Set<number>();

	/** @param changed {@link take} has something. */
	constructor(document: Document, bus: BusContext, changed: () => void) {
		this.#document = document;
		this.#bus = bus;
		this.#presence = new Presence(document);
		this.#changed = changed;
		document.awareness.on("update", (change: AwarenessChange, origin: unknown) => {
			if (!isFromBus(origin)) this.#add(this.#presence.changedHere(change));
			else if ("node" in origin) this.#presence.changedThere(String(origin.node), change);
		});
		this.#watchConnections();
	}

	/** @returns The awareness update of what has changed since the last call. */
	take(): Uint8Array | undefined {
		if (this.#changes.size === 0) return undefined;
		const update = this.#presence.encode([...this.#changes]);
		this.#changes.clear();
		return update;
	}

	/** Whether anybody is here. */
	get hasLocal(): boolean {
		return this.#presence.hasLocal;
	}

	/** @returns The awareness update of everybody who is here. */
	all(): Uint8Array {
		return this.#presence.encode(this.#presence.localIds());
	}

	/** A node is gone, and everybody who was there. @returns Whether anybody was. */
	nodeLeft(node: string): boolean {
		return this.#presence.remove(node, originOf(node, true));
	}

	/**
	 * An awareness update from another node.
	 * @param isComplete Whether it names everybody who is there. Word that the others have left was lost then.
	 */
	came(sender: string, sent: Uint8Array, isComplete: boolean): void {
		if (isComplete) this.#presence.keepOnly(sender, sent, originOf(sender, true));
		const { awareness } = this.#document;
		// A stock node repeats what others say.
		if (speaksOurDialect(sender)) this.#presence.namedBy(sender, sent);
		const update = this.#presence.translate(sent);
		const origin = originOf(sender, true);
		if (!this.#bus.isAwarenessWatched()) {
			applyAwarenessUpdate(awareness, update, origin);
			return;
		}
		const removals = removalsIn(update);
		if (removals !== undefined) applyAwarenessUpdate(awareness, removals, origin);
		const frame = this.#bus.frames.awareness(this.#document.name, update);
		const message = new IncomingMessage(frame.subarray(readSender(frame).offset));
		message.readVarString();
		// A hook that throws rejects the message, as it does on a stock node.
		new MessageReceiver(message, origin).apply(this.#document).catch(() => {});
	}

	#add(clientIds: readonly number[]): void {
		if (clientIds.length === 0) return;
		for (const clientId of clientIds) this.#changes.add(clientId);
		this.#changed();
	}

	/** Learns which client ids connections name, also when nothing changes by it. */
	#watchConnections(): void {
		const document = this.#document;
		const setCallback = document.beforeHandleAwareness.bind(document);
		document.beforeHandleAwareness = (callback) =>
			setCallback(async (ofDocument, states, origin) => {
				await callback(ofDocument, states, origin);
				if (!isTransactionOrigin(origin) || origin.source !== "connection") return;
				this.#add(this.#presence.namedHere(origin.connection, states.keys()));
			});
		onPresenceNamed(document, (connection, clientIds) =>
			this.#add(this.#presence.namedHere(connection, clientIds)),
		);
		const apply = document.applyAwarenessUpdate.bind(document);
		document.applyAwarenessUpdate = (connection, update) => {
			this.#add(this.#presence.namedHere(connection, presentIn(update)));
			return apply(connection, update);
		};
	}
}
