import { HocuspocusProvider, HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import { WebSocket } from "ws";
import * as Y from "yjs";

const deadlineMs = 60_000;

/** An unmodified provider and whoever sits in front of it. */
export class Person {
	readonly documentName: string;
	readonly document = new Y.Doc();
	readonly text = this.document.getText("text");
	/** Edits made with {@link type}; the Yjs clock of this person, so it says how much of theirs a document holds. */
	made = 0;
	/** The first so many of them were acknowledged. */
	acknowledged = 0;
	readonly #socket: HocuspocusProviderWebsocket;
	readonly #provider: HocuspocusProvider;

	private constructor(documentName: string, chooseUrl: () => string) {
		this.documentName = documentName;
		this.#socket = new HocuspocusProviderWebsocket({
			url: chooseUrl(),
			// What a balancer does: each connection goes where it goes.
			WebSocketPolyfill: class extends WebSocket {
				constructor() {
					super(chooseUrl());
				}
			},
		});
		const { document } = this;
		this.#provider = new HocuspocusProvider({
			websocketProvider: this.#socket,
			name: documentName,
			document,
		});
		// A provider that has reconnected counts all that it sends at once as one, so only "nothing is left" is certain.
		this.#provider.on("unsyncedChanges", () => {
			if (this.isSaved) this.acknowledged = this.made;
		});
		this.#provider.attach();
	}

	/** Resolves when the document was received and nothing is unsaved. */
	static async open(documentName: string, chooseUrl: () => string): Promise<Person> {
		const person = new Person(documentName, chooseUrl);
		try {
			await person.#until("synced", () => person.#provider.isSynced);
			await person.saved();
			return person;
		} catch (error) {
			person.leave();
			throw error;
		}
	}

	get isSaved(): boolean {
		return this.#provider.isSynced && !this.#provider.hasUnsyncedChanges;
	}

	/** What everybody shows of themselves, by Yjs client. */
	get presence(): ReadonlyMap<number, Readonly<Record<string, unknown>>> {
		return this.#provider.awareness?.getStates() ?? new Map();
	}

	/** How many of somebody's edits are here. */
	has(author: Person): number {
		return Y.getState(this.document.store, author.document.clientID);
	}

	/** Types a character at the end. */
	type(character: string): void {
		this.made += 1;
		this.text.insert(this.text.length, character);
	}

	/** Resolves when the server has acknowledged everything. */
	saved(): Promise<void> {
		return this.#until("unsyncedChanges", () => this.isSaved);
	}

	leave(): void {
		this.#provider.destroy();
		this.#socket.destroy();
	}

	/** Waits for a provider's event, unless what it would say is true already. */
	async #until(event: string, probe: () => boolean): Promise<void> {
		if (probe()) return;
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		const check = () => probe() && resolve();
		const late = () => reject(new Error(`${this.documentName}: no "${event}" in ${deadlineMs} ms`));
		const timer = setTimeout(late, deadlineMs);
		this.#provider.on(event, check);
		try {
			await promise;
		} finally {
			clearTimeout(timer);
			this.#provider.off(event, check);
		}
	}
}
