import { HocuspocusProvider, type HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import type { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";
import { readStored, writeStored } from "../local-storage.ts";
import { type Cell, cell, type Observable } from "../observable.ts";
import { me } from "../person.ts";
import { wasMadeHere } from "../recent-documents.ts";
import { closeConnection, openConnection, reconnectWhenWatched } from "./connection.ts";
import { openLocalCopy } from "./local-copy.ts";
import { arePeopleSame, type Present, peopleIn } from "./presence.ts";
import { SaveMonitor } from "./save-monitor.ts";

/** Whether there is something to show. */
export type Access =
	| { readonly status: "opening" }
	| { readonly status: "open" }
	/** No copy here, and no server. It goes on trying. */
	| { readonly status: "away" }
	| { readonly status: "denied"; readonly reason: string; readonly hasLocalCopy: boolean };

/** The server's close code for a name that it does not take. */
const invalidNameCode = 4404;

/** A document's title is part of it. */
export const titleKey = "title";

function mayWriteKey(documentName: string): string {
	return `may-write:${documentName}`;
}

/** One document that is open: its content, its local copy, its connection, who else is there. */
export class DocumentSession {
	readonly name: string;
	readonly document = new Y.Doc();
	readonly provider: HocuspocusProvider;
	readonly save: SaveMonitor;
	readonly #connection: HocuspocusProviderWebsocket;
	readonly #access = cell<Access>({ status: "opening" });
	readonly #mayWrite: Cell<boolean>;
	readonly #people = cell<readonly Present[]>([]);
	readonly #endings: (() => void)[] = [];
	#hasLocalCopy = false;
	#retry: ReturnType<typeof setTimeout> | undefined;
	#refusals = 0;
	#destroyed = false;

	constructor(name: string) {
		this.name = name;
		this.#mayWrite = cell(readStored(mayWriteKey(name)) !== false);
		const localCopy = openLocalCopy(name, this.document);
		this.#connection = openConnection(name);
		this.provider = new HocuspocusProvider({
			name,
			document: this.document,
			websocketProvider: this.#connection,
			onAuthenticationFailed: ({ reason }) => this.#denied(reason),
			onAuthenticated: ({ scope }) => this.#authorized(scope !== "readonly"),
			onSynced: () => this.#arrived(),
			onClose: ({ event }) => this.#closed(event),
		});
		this.save = new SaveMonitor(this.provider, this.#connection, localCopy);
		this.#introduce();
		this.#endings.push(
			() => this.save.destroy(),
			() => this.provider.destroy(),
			() => closeConnection(this.#connection),
			() => localCopy.close(),
			reconnectWhenWatched(this.#connection),
		);
		// Connecting before the local copy is in would have the server acknowledge a document without its offline edits.
		void localCopy.loaded.then(() => {
			if (this.#destroyed) return;
			this.#hasLocalCopy = this.document.store.clients.size > 0;
			if (this.#hasLocalCopy || wasMadeHere(name)) this.#access.set({ status: "open" });
			this.provider.attach();
		});
	}

	get access(): Observable<Access> {
		return this.#access;
	}

	/** What the server has said last, in an earlier visit if need be; true until it has said anything. */
	get mayWrite(): Observable<boolean> {
		return this.#mayWrite;
	}

	/** The others. */
	get people(): Observable<readonly Present[]> {
		return this.#people;
	}

	get awareness(): Awareness {
		const { awareness } = this.provider;
		if (awareness === null) throw new Error("the provider was made with an awareness");
		return awareness;
	}

	/** What the document says of itself: its title, a code pad's language. */
	get meta(): Y.Map<unknown> {
		return this.document.getMap("meta");
	}

	/** Tries now, not when the next try is due. */
	retry(): void {
		if (this.#access.get().status === "denied") this.#access.set({ status: "opening" });
		this.#reconnect();
	}

	#reconnect(): void {
		// When an open socket closes, the connection opens the next one by itself.
		if (this.#connection.status === "connected") this.#connection.webSocket?.close();
		else void this.#connection.connect();
	}

	destroy(): void {
		if (this.#destroyed) return;
		this.#destroyed = true;
		clearTimeout(this.#retry);
		for (const end of this.#endings) end();
		this.document.destroy();
	}

	#introduce(): void {
		const { awareness } = this;
		const tellName = () => awareness.setLocalStateField("user", me.get());
		tellName();
		this.#endings.push(me.subscribe(tellName));
		awareness.on("change", () => {
			const people = peopleIn(awareness.getStates(), me.get().id);
			if (!arePeopleSame(people, this.#people.get())) this.#people.set(people);
		});
	}

	/** Remembered: what somebody who may only read writes without a connection would never be saved. */
	#authorized(mayWrite: boolean): void {
		this.#mayWrite.set(mayWrite);
		writeStored(mayWriteKey(this.name), mayWrite ? undefined : false);
	}

	#arrived(): void {
		this.#refusals = 0;
		this.#access.set({ status: "open" });
	}

	#closed(event?: { readonly code: number; readonly reason: string }): void {
		if (event?.code === invalidNameCode) {
			// It would be refused again and again.
			this.#connection.disconnect();
			this.#access.set({ status: "denied", reason: event.reason, hasLocalCopy: this.#hasLocalCopy });
			return;
		}
		// Whoever was refused starts over when they want to.
		if (this.#access.get().status === "denied") return;
		if (this.#access.get().status === "opening") this.#access.set({ status: "away" });
		// The server has ended this document, but not the socket: nobody else would start over.
		if (this.#connection.status === "connected") this.#reconnectLater();
	}

	#denied(reason: string): void {
		if (reason !== "store-unavailable") {
			this.#access.set({ status: "denied", reason, hasLocalCopy: this.#hasLocalCopy });
			return;
		}
		this.save.refuse();
		this.#closed();
		this.#reconnectLater();
	}

	#reconnectLater(): void {
		const delayMs = Math.min(15_000, 1_000 * 2 ** this.#refusals) * (0.5 + Math.random() / 2);
		this.#refusals += 1;
		clearTimeout(this.#retry);
		this.#retry = setTimeout(() => this.#reconnect(), delayMs);
	}
}
