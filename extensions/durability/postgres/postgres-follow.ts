import type { QueryConfig, QueryResultRow } from "pg";
import { documentKey } from "../storage/checksum.ts";
import { isTombstone } from "../storage/tombstone.ts";
import { Damage } from "../storage/wire-error.ts";
import {
	DamagedDocumentError,
	type Follow,
	type FollowRequest,
	type FollowResult,
	type FollowSignal,
} from "../store.ts";
import { channelOf, newNodeId, Unannounced } from "./announcements.ts";
import type { ConnectionSettings } from "./connection-settings.ts";
import { Listener } from "./listener.ts";
import { countMembers, memberParameters } from "./membership.ts";
import { checkedName } from "./packed-batch.ts";
import { checkName, readEntries } from "./rows.ts";
import { type StoredRow, statements } from "./statements.ts";

type IndexedRow = Extract<StoredRow, { readonly kind: "document" | "entry" }> & { readonly index: number };

/** Runs a statement on any connection. @throws {StoreUnavailableError} */
export type Query = <Row extends QueryResultRow>(
	statement: QueryConfig,
	parameters: unknown[],
) => Promise<Row[]>;

/** What nodes that share a database hear of each other. */
export class PostgresFollow implements Follow {
	readonly #settings: ConnectionSettings;
	readonly #query: Query;
	readonly #statement: QueryConfig;
	readonly #nodeId = newNodeId();
	readonly #channel: string;
	readonly #listeners = new Set<(signal: FollowSignal) => void>();
	readonly #unannounced = new Unannounced();
	#listener: Listener | undefined;
	/** The listening connection's end. */
	#ending: Promise<void> | undefined;
	#announcing: Promise<void> | undefined;

	constructor(settings: ConnectionSettings, query: Query) {
		this.#settings = settings;
		this.#query = query;
		this.#statement = statements(settings.schema).entriesAfter;
		this.#channel = channelOf(settings.schema);
	}

	async entriesAfter(requests: readonly FollowRequest[]): Promise<readonly FollowResult[]> {
		if (requests.length === 0) return [];
		const rows = await this.#query<IndexedRow>(this.#statement, [
			requests.map(({ documentName }) => String(documentKey(checkedName(documentName)))),
			requests.map(({ position }) => position),
		]);
		const rowsOf = Map.groupBy(rows, ({ index }) => index);
		return requests.map((request, index) => resultOf(request, rowsOf.get(index + 1) ?? []));
	}

	async members(): Promise<number> {
		const [row] = await this.#query<{ members: number }>(countMembers, memberParameters(this.#settings));
		return row?.members ?? 0;
	}

	listen(listener: (signal: FollowSignal) => void): () => void {
		this.#listeners.add(listener);
		const signal = (heard: FollowSignal) => {
			for (const each of this.#listeners) each(heard);
		};
		if (this.#listener?.isListening) queueMicrotask(() => listener({ type: "listening" }));
		this.#listener ??= new Listener({
			settings: this.#settings,
			channel: this.#channel,
			nodeId: this.#nodeId,
			signal,
		});
		return () => {
			this.#listeners.delete(listener);
			if (this.#listeners.size === 0) this.#endListening();
		};
	}

	announce(documentNames: Iterable<string>, isFollowing: boolean): void {
		this.#unannounced.add(documentNames, isFollowing);
		this.#announcing ??= this.#announce();
	}

	/** What was to be announced is announced first, while there is a connection. */
	async close(): Promise<void> {
		this.#listeners.clear();
		await this.#announcing;
		this.#endListening();
		await this.#ending;
	}

	#endListening(): void {
		if (this.#listener === undefined) return;
		// It never rejects. Until it is there, others take us for a member.
		this.#ending = this.#listener.close();
		this.#listener = undefined;
	}

	/**
	 * Not in the transaction that appends: a commit with a notification excludes every other such commit in the database,
	 * its flush to the disk included. Never rejects.
	 */
	async #announce(): Promise<void> {
		try {
			// What a commit has brought for many documents goes together.
			await undefined;
			while (this.#unannounced.isDue) {
				const payload = this.#unannounced.take(this.#nodeId);
				await this.#query({ text: "SELECT pg_notify($1, $2)" }, [this.#channel, payload]);
			}
		} catch {
			// It goes with the next one. Those who follow ask from time to time anyway.
			this.#unannounced.giveBack();
		} finally {
			this.#announcing = undefined;
		}
	}
}

function resultOf(
	{ documentName, position, generation = 0 }: FollowRequest,
	rows: readonly IndexedRow[],
): FollowResult {
	const document = rows.find((row) => row.kind === "document");
	if (document === undefined && rows.length === 0) {
		return position === 0
			? { status: "entries", entries: [], position: 0 }
			: { status: "passed", position: 0 };
	}
	if (isTombstone(document?.data) || (document?.generation ?? generation) !== generation)
		return { status: "deleted" };
	try {
		checkName(documentName, document);
		if (document.snapshot_position > position || document.position < position)
			return { status: "passed", position: document.position };
		const entryRows = rows.filter((row) => row.kind === "entry");
		const entries = readEntries(documentName, entryRows, position, document.position);
		return { status: "entries", entries, position: document.position };
	} catch (error) {
		if (!(error instanceof Damage)) throw error;
		const damaged = new DamagedDocumentError(documentName, error.message, { cause: error });
		return { status: "damaged", error: damaged };
	}
}
