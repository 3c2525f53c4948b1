import { HocuspocusProvider, HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import * as Y from "yjs";
import { eventually } from "./eventually.ts";

/** One person: an unmodified provider on a socket of its own. */
export interface Client {
	readonly provider: HocuspocusProvider;
	readonly socket: HocuspocusProviderWebsocket;
	readonly document: Y.Doc;
	/** The root `Y.Text` "text". */
	readonly text: Y.Text;
	/** Close events of the socket, oldest first. */
	readonly closes: { readonly code: number; readonly reason: string }[];
	/** Reasons with which the server refused to open the document. */
	readonly denials: string[];
	/** Waits until the document has been received. */
	synced(): Promise<Client>;
	/** Waits until the server has acknowledged everything. */
	saved(deadlineMs?: number): Promise<Client>;
	/** Appends to the text. */
	type(text: string): Client;
	destroy(): void;
}

export interface ClientOptions {
	readonly url: string;
	readonly name: string;
	readonly document?: Y.Doc;
	/** Shared with other clients, and left as it is when this one goes; by default one of its own. */
	readonly socket?: HocuspocusProviderWebsocket;
	readonly token?: string | (() => string) | (() => Promise<string>);
	readonly awareness?: null;
	/** Instead of Node's own. */
	readonly webSocketClass?: unknown;
	/** A connection on which nothing comes for so long is given up; the provider's half minute by default. */
	readonly silenceMsMax?: number;
	/** How long it waits after a close; short by default, so that tests of restarts need not wait. */
	readonly reconnectDelayMs?: number;
	/** The provider gathers edits for so long. */
	readonly flushDelayMs?: number;
}

/** @param closes Where its close events are noted. */
export function openSocket(
	{
		url,
		silenceMsMax = 30_000,
		reconnectDelayMs = 20,
		webSocketClass,
	}: Pick<ClientOptions, "url" | "silenceMsMax" | "reconnectDelayMs" | "webSocketClass">,
	closes: { readonly code: number; readonly reason: string }[] = [],
): HocuspocusProviderWebsocket {
	return new HocuspocusProviderWebsocket({
		url,
		delay: reconnectDelayMs,
		minDelay: reconnectDelayMs,
		maxDelay: 5 * reconnectDelayMs,
		messageReconnectTimeout: silenceMsMax,
		...(webSocketClass !== undefined && { WebSocketPolyfill: webSocketClass }),
		onClose: ({ event }) => closes.push({ code: event.code, reason: event.reason }),
	});
}

export function openClient(options: ClientOptions): Client {
	const { name, document = new Y.Doc(), token, awareness, flushDelayMs } = options;
	const closes: { readonly code: number; readonly reason: string }[] = [];
	const denials: string[] = [];
	const socket = options.socket ?? openSocket(options, closes);
	const provider = new HocuspocusProvider({
		websocketProvider: socket,
		name,
		document,
		token: token ?? null,
		onAuthenticationFailed: ({ reason }) => denials.push(reason),
		...(awareness === null && { awareness }),
		...(flushDelayMs !== undefined && { flushDelay: flushDelayMs }),
	});
	provider.attach();
	const text = document.getText("text");
	/** With how far it has come, for whoever wonders why. */
	const until = (what: string, probe: () => boolean, deadlineMs?: number) =>
		eventually(`${name} to be ${what}`, probe, deadlineMs).catch((cause: Error) => {
			const { isAuthenticated, isSynced, unsyncedChanges } = provider;
			const state = { socket: socket.status, isAuthenticated, isSynced, unsyncedChanges, closes, denials };
			throw new Error(`${cause.message}; it is ${JSON.stringify(state)}`, { cause });
		});
	const client: Client = {
		provider,
		socket,
		document,
		text,
		closes,
		denials,
		async synced() {
			await until("synced", () => provider.isSynced);
			return client;
		},
		async saved(deadlineMs) {
			await until(
				"saved",
				() => socket.status === "connected" && provider.isSynced && provider.unsyncedChanges === 0,
				deadlineMs,
			);
			return client;
		},
		type(added) {
			text.insert(text.length, added);
			return client;
		},
		destroy() {
			provider.destroy();
			if (options.socket === undefined) socket.destroy();
		},
	};
	return client;
}
