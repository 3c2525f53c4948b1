import { onTestFinished } from "vitest";
import {
	PostgresStore,
	type PostgresStoreOptions,
} from "../../extensions/durability/postgres/postgres-store.ts";
import { type Store, StoreConfigurationError } from "../../extensions/durability/store.ts";

/** An open store that goes when the test ends. */
export async function openPostgres(options: PostgresStoreOptions): Promise<PostgresStore> {
	const store = new PostgresStore(options);
	await store.open();
	onTestFinished(() => store.close());
	return store;
}

/** The error with which a store refuses to open, which must be one of its configuration. */
export async function refusalOf(options: PostgresStoreOptions): Promise<StoreConfigurationError> {
	try {
		const store = new PostgresStore(options);
		await store.open();
		await store.close();
	} catch (error) {
		if (error instanceof StoreConfigurationError) return error;
		throw error;
	}
	throw new Error("it was not refused");
}

/** Appends one update. @returns The result's status, or what was thrown. */
export async function appendTo(store: Store, documentName: string, update: Uint8Array): Promise<unknown> {
	try {
		const [result] = await store.append([{ documentName, updates: [update] }]);
		return result?.status === "failed" ? result.error : result?.status;
	} catch (error) {
		return error;
	}
}
