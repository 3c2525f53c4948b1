import {
	type AppendRequest,
	type AppendResult,
	type Catalogue,
	type CompactionResult,
	type CompactOptions,
	type Follow,
	type Store,
	type StoredDocument,
	StoreUnavailableError,
} from "../../extensions/durability/store.ts";

/** How {@link FaultyStore} treats appends. */
type Mode =
	| { readonly type: "pass" }
	| { readonly type: "fail"; readonly error: Error }
	| { readonly type: "fail-documents"; readonly names: ReadonlySet<string>; readonly error: Error }
	| { readonly type: "hold"; readonly released: Promise<void> };

/** A store in front of a real one, in which the test decides when appends succeed. */
export class FaultyStore implements Store {
	readonly #inner: Store;
	#mode: Mode = { type: "pass" };
	/** Append calls seen, whatever became of them. */
	appends = 0;
	/** Document names in the batches that the inner store took, in order. */
	readonly committed: string[][] = [];

	readonly follow?: Follow;
	readonly catalogue?: Catalogue;

	constructor(inner: Store) {
		this.#inner = inner;
		if (inner.follow !== undefined) this.follow = inner.follow;
		if (inner.catalogue !== undefined) this.catalogue = inner.catalogue;
	}

	expectLoads(): void {
		this.#inner.expectLoads?.();
	}

	get location(): string {
		return this.#inner.location;
	}

	/** From now on every append fails. */
	fail(message = "the disk is full (SQLITE_FULL)"): void {
		this.#mode = { type: "fail", error: new StoreUnavailableError(message, { code: "SQLITE_FULL" }) };
	}

	/** From now on appends to these documents fail, and others succeed. */
	failDocuments(...names: string[]): void {
		this.#mode = {
			type: "fail-documents",
			names: new Set(names),
			error: new Error("its rows can't be read"),
		};
	}

	/** From now on appends wait until the returned function is called. */
	hold(): () => void {
		const { promise, resolve } = Promise.withResolvers<void>();
		this.#mode = { type: "hold", released: promise };
		return () => {
			this.#mode = { type: "pass" };
			resolve();
		};
	}

	recover(): void {
		this.#mode = { type: "pass" };
	}

	async append(batch: readonly AppendRequest[]): Promise<readonly AppendResult[]> {
		this.appends += 1;
		const mode = this.#mode;
		if (mode.type === "fail") throw mode.error;
		if (mode.type === "hold") await mode.released;
		const failing = mode.type === "fail-documents" ? mode.names : new Set<string>();
		const passed = batch.filter(({ documentName }) => !failing.has(documentName));
		const results = passed.length === 0 ? [] : await this.#inner.append(passed);
		this.committed.push(passed.map(({ documentName }) => documentName));
		const error = mode.type === "fail-documents" ? mode.error : new Error("unreachable");
		const byName = new Map(passed.map(({ documentName }, index) => [documentName, results[index]]));
		return batch.map(({ documentName }) => byName.get(documentName) ?? { status: "failed", error });
	}

	open(): Promise<void> {
		return this.#inner.open();
	}

	load(documentName: string): Promise<StoredDocument> {
		return this.#inner.load(documentName);
	}

	compact(documentName: string, options: CompactOptions): Promise<CompactionResult> {
		return this.#inner.compact(documentName, options);
	}

	close(): Promise<void> {
		return this.#inner.close();
	}
}
