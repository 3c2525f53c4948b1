import { join } from "node:path";
import { type Document, type Extension, Hocuspocus } from "@hocuspocus/server";
import { onTestFinished } from "vitest";
import { Durability, SqliteStore } from "../../extensions/durability/index.ts";
import { Sync, type SyncOptions } from "../../extensions/sync/index.ts";
import { takeHooks } from "../../server/hooks.ts";
import { FaultyStore } from "./faulty-store.ts";
import { HandClient } from "./hand-client.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { stateOf as textOf } from "./typist.ts";

export const documentName = "doc";

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export interface HandServerOptions extends Pick<SyncOptions, "flushIntervalMs" | "readerBacklogBytesMax"> {
	/** Without it edits are not stored. */
	readonly isDurable?: boolean;
	/** Whether clients' sockets are our own transport's. */
	readonly isPaced?: boolean;
	readonly extensions?: readonly Extension[];
}

/** Hocuspocus with our extensions, in this process, for clients whose every message the test sends itself. */
export class HandServer {
	readonly store = new FaultyStore(new SqliteStore({ path: join(temporaryFolder(), "documents.sqlite") }));
	readonly durability = new Durability({ store: this.store, logger: quiet });
	readonly sync: Sync;
	readonly hocuspocus: Hocuspocus;
	readonly #isPaced: boolean;

	constructor({ isDurable = true, isPaced = true, extensions = [], ...options }: HandServerOptions = {}) {
		this.#isPaced = isPaced;
		this.sync = new Sync({ ...options, logger: quiet });
		this.hocuspocus = new Hocuspocus({
			...takeHooks({}).hooks,
			quiet: true,
			extensions: [...(isDurable ? [this.durability] : []), this.sync, ...extensions],
		});
		onTestFinished(async () => {
			await this.hocuspocus.hooks("onDestroy", { instance: this.hocuspocus });
		});
	}

	get document(): Document {
		const document = this.hocuspocus.documents.get(documentName);
		if (document === undefined) throw new Error("nobody has the document open");
		return document;
	}

	get text(): string {
		return this.document.getText("text").toString();
	}

	/** A client that has the document open and is in step. */
	async client(address = documentName, isPaced = this.#isPaced): Promise<HandClient> {
		const client = this.unopened(address, isPaced);
		return client.open();
	}

	unopened(address = documentName, isPaced = this.#isPaced): HandClient {
		const client = new HandClient(address, { hocuspocus: this.hocuspocus, isPaced });
		onTestFinished(() => client.destroy());
		return client;
	}

	/** The text in a store that a new server would read. */
	async storedText(): Promise<string> {
		await this.durability.flush();
		const stored = await this.store.load(documentName);
		return textOf(stored);
	}
}
