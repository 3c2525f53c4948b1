import type { Connection, Document } from "@hocuspocus/server";
import { scanUpdate, type UpdateScan } from "../../durability/update-scan.ts";
import { holdsNothing, type Incoming } from "../../durability/wire.ts";
import type { Effort } from "../../sync/bounded-apply.ts";
import type { Admission, MessageScreen } from "../../sync/message-screen.ts";
import { endSocket, type LimitCloseEvent, limitCloseEvents } from "../limit-close-events.ts";
import type { LimitName } from "../limit-event.ts";
import { presenceFrame, refusedStep2Frame, step1Frame } from "./content-frames.ts";
import { DocumentSize } from "./document-size.ts";
import { HeldBack, weightMax } from "./held-back.ts";
import { Later } from "./later.ts";
import { PresenceScreen } from "./presence-screen.ts";
import type { ScreenContext } from "./screen-context.ts";

/** Ten thousand clients or more. Its answer costs the server as much for each that it names, known or not. */
const stateVectorBytesMax = 1024 * 1024;
/** Of smaller ones nobody counts what they cost: hundreds of clients. */
const plainStateVectorBytes = 4 * 1024;
/** What a client takes in a state vector at most, or nearly. */
const stateVectorEntryBytes = 12;
/** As so many messages counts a byte of what is looked up: some 0.3 ms for a KiB. */
const messagesPerStateVectorByte = 3 / 1024;
/** As many cost as much as a message, and more: what clients bring when they come back is below what may come at once. */
const partsPerMessage = 200;
/** A part takes two bytes at least, and one that names a root type this many. */
const partBytes = 2;
/** Of what may be spent on conflicts: so much must have come back until those are asked who were refused something. */
const roomShare = 1 / 50;
/** As so many messages counts a millisecond in which an update is applied: with the default rate, a tenth of the event loop's time. */
const messagesPerMs = 10;
/** Whoever brings a large whiteboard to a busy node is not to be read for ten seconds, and not for a minute. */
const chargedMessagesMax = 10_000;
/** As so many messages counts an update that brings only what waits already. */
const knownMessages = 20;
/** Of small updates that wait to be applied, in bounds of what may be held back: applying them sooner would cost honest people more. */
const batchesOver = 8;
const rootBytes = 6;

interface Edit {
	readonly type: "step2" | "update";
	readonly payload: Uint8Array;
}

const asItIs: Admission = { type: "as-it-is" };
const done: Admission = { type: "done" };

/**
 * Bounds what the clients of one document may put into it. Most messages pass at the price of a few comparisons; a closer look is
 * taken at what is large, and at all of a document that is full or that holds something back.
 */
export class DocumentScreen implements MessageScreen {
	readonly #document: Document;
	readonly #context: ScreenContext;
	readonly #settle: () => void;
	readonly #size: DocumentSize;
	readonly #heldBack: HeldBack;
	readonly #presence: PresenceScreen;
	/** An update of fewer bytes has neither too many parts nor too much for what may be held back. */
	readonly #plainBytesMax: number;
	/** Of updates that may not have been applied, and at which nobody has looked closely. */
	#plainBytes = 0;
	readonly effort: Effort | undefined;
	/** Who has asked for what it lacks with a state vector that is not small; made when somebody has. */
	#joined: WeakSet<Connection> | undefined;
	/** Made when something was refused. */
	#later: Later | undefined;

	constructor(document: Document, context: ScreenContext, settle: () => void) {
		const { limits } = context;
		this.#document = document;
		this.#context = context;
		this.#settle = settle;
		this.#size = new DocumentSize(document, context, settle, (connection) => this.#ask(connection));
		this.#heldBack = new HeldBack(document, limits.pendingBytesMax, settle);
		this.#presence = new PresenceScreen(document, limits, settle);
		this.effort = context.efforts.of(document.name);
		this.#plainBytesMax = Math.min(
			(limits.pendingBytesMax / weightMax(1)) * batchesOver,
			limits.updatePartsMax * partBytes,
			limits.updateBytesMax,
		);
	}

	/** It stays, and what it goes on to write waits for what was refused. */
	stopped(sender: Connection): void {
		this.#context.reports.report({ type: "refused", limit: "document-conflicts" });
		this.#later ??= this.#makeLater();
		this.#later.add(sender);
	}

	#makeLater(): Later {
		const { clock, limits } = this.#context;
		const itemsMin = limits.documentConflictsMax * roomShare;
		const hasRoom = () => this.effort === undefined || this.effort.left() >= itemsMin;
		return new Later(clock, hasRoom, (connection) => this.#ask(connection));
	}

	admit(connection: Connection, message: Uint8Array, incoming: Incoming): Admission {
		switch (incoming.type) {
			case "update":
			case "step2":
				if (holdsNothing(incoming.payload) || this.#isPlain(incoming.payload)) return asItIs;
				return this.#examine(connection, message, { type: incoming.type, payload: incoming.payload });
			case "presence":
				return this.#admitPresence(connection, incoming.payload);
			case "step1":
				return this.#admitStep1(connection, incoming.payload.byteLength);
			default:
				return asItIs;
		}
	}

	#admitStep1(connection: Connection, bytes: number): Admission {
		if (bytes > stateVectorBytesMax)
			return this.#close(connection, "update-size", limitCloseEvents.updateTooBig);
		if (bytes <= plainStateVectorBytes) return asItIs;
		this.#joined ??= new WeakSet();
		// Whoever joins names those that the document knows.
		const { size } = this.#document.store.clients;
		const freeBytes = this.#joined.has(connection) ? 0 : size * stateVectorEntryBytes;
		this.#joined.add(connection);
		this.#context.costs.charge(connection, (bytes - freeBytes) * messagesPerStateVectorByte);
		return asItIs;
	}

	/** What it costs is not to be seen by an update: Yjs looks at many items for each that says it was made in the same place. */
	took(sender: Connection, ms: number): void {
		this.#context.costs.charge(sender, Math.min(ms * messagesPerMs, chargedMessagesMax));
	}

	/** All that was admitted has been applied. */
	settled(): void {
		this.#plainBytes = 0;
		this.#presence.settled();
	}

	/** Whether nothing can be too much about an update, as far as its size tells. */
	#isPlain(update: Uint8Array): boolean {
		const plainBytes = this.#plainBytes + update.byteLength;
		if (plainBytes > this.#plainBytesMax || !this.#heldBack.isNothing) return false;
		const newRootsMax = plainBytes / rootBytes;
		if (this.#document.share.size + newRootsMax > this.#context.limits.documentRootsMax) {
			if (!this.#hasKnownRoots(update)) return false;
		}
		if (!this.#size.takes(update.byteLength)) return false;
		this.#plainBytes = plainBytes;
		return true;
	}

	#hasKnownRoots(update: Uint8Array): boolean {
		const { share } = this.#document;
		try {
			const { roots } = scanUpdate(update, this.#context.limits.updatePartsMax);
			for (const root of roots) if (!share.has(root)) return false;
			return true;
		} catch {
			return false;
		}
	}

	#examine(connection: Connection, message: Uint8Array, edit: Edit): Admission {
		// Others say that it may not write, and answer.
		if (this.#context.refusals.isReadOnly(connection)) return asItIs;
		if (this.#plainBytes > 0) this.#settle();
		this.#plainBytes = 0;
		const { limits } = this.#context;
		const { byteLength } = edit.payload;
		if (byteLength > limits.updateBytesMax) return this.#tooBig(connection, message, edit);
		try {
			const scan = scanUpdate(edit.payload, limits.updatePartsMax);
			this.#context.costs.charge(connection, scan.parts / partsPerMessage);
			if (scan.parts > limits.updatePartsMax) return this.#tooBig(connection, message, edit);
			if (!this.#hasRoomForRoots(scan)) return this.#refuse(connection, message, "document-roots");
			const heldBack = this.#heldBack.judge(edit.payload, scan);
			if (heldBack === "no-room") return this.#refusePending(connection, message, edit);
			// To hold back once more what is held back costs as much as the first time. It is applied all the same: whether an update
			// is known is an opinion, and what is acknowledged must not depend on one [DUR1].
			if (heldBack === "known") this.#context.costs.charge(connection, knownMessages);
			if (!this.#size.takes(byteLength) && !this.#size.admits(connection, edit.payload))
				return this.#refuse(connection, message, "document-size");
		} catch {
			// Whoever decodes it in earnest says what is wrong with it.
			return asItIs;
		}
		if (edit.type === "step2" && !this.#context.pendingStrikes.isFree(connection))
			this.#forgiveIfHealed(connection);
		return asItIs;
	}

	#hasRoomForRoots({ roots }: UpdateScan): boolean {
		const { share } = this.#document;
		const isNew = (root: string) => !share.has(root);
		if (![...roots].some(isNew)) return true;
		this.#settle();
		return share.size + [...roots].filter(isNew).length <= this.#context.limits.documentRootsMax;
	}

	/**
	 * A client that is closed comes back with all that it has, and would be closed again for ever: that is refused, and it stays, and
	 * sees what others do.
	 */
	#tooBig(connection: Connection, message: Uint8Array, edit: Edit): Admission {
		if (edit.type === "update") return this.#close(connection, "update-size", limitCloseEvents.updateTooBig);
		return this.#refuseUnread(connection, message, edit, "update-size");
	}

	/** Without anybody reading it any more: Hocuspocus would compare a `SyncStep2` with the document. */
	#refuseUnread(connection: Connection, message: Uint8Array, { type }: Edit, limit: LimitName): Admission {
		const unread = type === "update" ? message : refusedStep2Frame(connection.messageAddress);
		return this.#refuse(connection, unread, limit);
	}

	#refuse(connection: Connection, message: Uint8Array, limit: LimitName): Admission {
		const { refusals, reports } = this.#context;
		refusals.refuse(connection, message);
		reports.report({ type: "refused", limit });
		return { type: "refused", message };
	}

	/** What is missing may be on its way, or a client has it that was refused something: it is asked once. */
	#refusePending(connection: Connection, message: Uint8Array, { type }: Edit): Admission {
		const { pendingStrikes } = this.#context;
		if (type === "update" && pendingStrikes.isFree(connection)) this.#ask(connection);
		if (pendingStrikes.add(connection))
			return this.#close(connection, "pending-structs", limitCloseEvents.pendingTooBig);
		return this.#refuse(connection, message, "pending-structs");
	}

	/** Whoever has made something be held back, and has brought what it waited for. */
	#forgiveIfHealed(connection: Connection): void {
		this.#context.clock.afterTurn(() => {
			this.#settle();
			if (this.#heldBack.isNothing) this.#context.pendingStrikes.forgive(connection);
		});
	}

	#admitPresence(connection: Connection, update: Uint8Array): Admission {
		let verdict: ReturnType<PresenceScreen["judge"]>;
		try {
			verdict = this.#presence.judge(connection, update);
		} catch {
			return asItIs;
		}
		if (verdict.type === "all") return asItIs;
		const { presenceStrikes, reports } = this.#context;
		const { limit } = verdict;
		if (limit !== undefined) {
			if (presenceStrikes.add(connection))
				return this.#close(connection, limit, limitCloseEvents.presenceTooBig);
			reports.report({ type: "refused", limit });
		}
		if (verdict.update !== undefined)
			return { type: "instead", message: presenceFrame(connection.messageAddress, verdict.update) };
		// A provider that hears nothing, not even of itself, takes the server for dead.
		connection.send(presenceFrame(connection.messageAddress, noPresence));
		return done;
	}

	#ask(connection: Connection): void {
		if (!this.#document.hasConnection(connection)) return;
		this.#settle();
		connection.send(step1Frame(connection.messageAddress, this.#document));
	}

	#close(connection: Connection, limit: LimitName, event: LimitCloseEvent): Admission {
		this.#context.reports.report({ type: "closed", limit });
		endSocket(connection, event);
		return done;
	}
}

/** Of nobody. */
const noPresence = new Uint8Array([0]);
