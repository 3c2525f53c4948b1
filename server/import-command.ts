import type { Configuration } from "./configuration.ts";
import { documentStore } from "./document-store.ts";
import { checkStockDatabase, importStockDatabase } from "./import.ts";

/** `indelible import`. @returns The exit code: 1 when a document could not be taken over. */
export async function importCommand(from: string, { settings }: Configuration): Promise<number> {
	checkStockDatabase(from);
	const store = documentStore(settings);
	await store.open();
	try {
		const { documentNameBytesMax } = settings;
		const { imported, merged, unchanged, refused } = await importStockDatabase({
			from,
			store,
			documentNameBytesMax,
		});
		for (const { documentName, problem } of refused) {
			console.error(`indelible: ${JSON.stringify(documentName)} was skipped: ${problem}`);
		}
		console.log(
			`${imported} imported, ${merged} merged into documents that were here already, ${unchanged} unchanged, ${refused.length} skipped. They are in ${store.location}.`,
		);
		return refused.length === 0 ? 0 : 1;
	} finally {
		await store.close();
	}
}
