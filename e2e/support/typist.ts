import { HocuspocusProvider, HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import * as Y from "yjs";

/** Somebody who has a document open without a browser: the provider that editors use, on a socket of its own. */
export class Typist {
	/** Codes with which its socket was closed, oldest first. */
	readonly closes: number[] = [];
	/** Why it was refused the document, oldest first. */
	readonly refusals: string[] = [];
	readonly #socket: HocuspocusProviderWebsocket;
	readonly #provider: HocuspocusProvider;
	readonly #text: Y.Text;
	#typing: ReturnType<typeof setInterval> | undefined;

	constructor(serverUrl: string, documentName: string, token?: string) {
		const document = new Y.Doc();
		this.#text = document.getText("text");
		this.#socket = new HocuspocusProviderWebsocket({
			url: `${serverUrl.replace(/^http/, "ws")}/sync`,
			delay: 200,
			minDelay: 200,
			maxDelay: 1_000,
			onClose: ({ event }) => this.closes.push(event.code),
		});
		this.#provider = new HocuspocusProvider({
			websocketProvider: this.#socket,
			name: documentName,
			document,
			onAuthenticationFailed: ({ reason }) => this.refusals.push(reason),
			...(token === undefined ? {} : { token }),
		});
		this.#provider.attach();
	}

	/** Whether everything that it has typed is on disk, and it is connected. */
	get isSaved(): boolean {
		return this.#provider.isSynced && !this.#provider.hasUnsyncedChanges;
	}

	get text(): string {
		return this.#text.toString();
	}

	type(text: string): void {
		this.#text.insert(this.#text.length, text);
	}

	/** Types on and on. */
	keepTyping(everyMs: number): void {
		this.#typing = setInterval(() => this.type("x"), everyMs);
	}

	leave(): void {
		clearInterval(this.#typing);
		this.#provider.destroy();
		this.#socket.destroy();
	}
}
