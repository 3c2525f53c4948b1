import { z } from "zod";
import { StoredDocuments } from "../extensions/durability/sqlite/stored-documents.ts";
import type { CatalogueQuery, DocumentPage, ListedDocument } from "../extensions/durability/store.ts";
import type { Configuration } from "./configuration.ts";
import { errorIn, operatorClient } from "./operator-client.ts";
import { print } from "./standard-output.ts";
import { databaseFile, withCatalogue } from "./stored-catalogue.ts";
import { UserError } from "./user-error.ts";

export interface ListOptions {
	/** Only names that begin with it. */
	readonly prefix?: string | undefined;
	/** A line of JSON for each. */
	readonly json: boolean;
	/** A running node that is to say it, instead of the database that the settings name. */
	readonly url?: string | undefined;
}

type Page = (query: CatalogueQuery) => DocumentPage | Promise<DocumentPage>;

const pageDocuments = 10_000;

/** `indelible list`: which documents are stored, by name, also while nodes run. @returns The exit code. */
export async function listCommand(
	{ prefix, json, url }: ListOptions,
	configuration: Configuration,
): Promise<number> {
	const listAll = async (page: Page) => {
		for (let after: string | undefined; ; ) {
			const { documents, hasMore } = await page({ prefix, after, limit: pageDocuments });
			const lines = documents.map((document) => `${json ? JSON.stringify(document) : lineOf(document)}\n`);
			if (!(await print(lines.join("")))) return;
			after = documents.at(-1)?.name;
			if (!hasMore) return;
		}
	};
	if (url !== undefined) await listAll(pagesOf(url, configuration));
	else if (configuration.settings.databaseUrl !== undefined)
		await withCatalogue(configuration, (catalogue) => listAll((query) => catalogue.list(query)));
	else await listFile(databaseFile(configuration.settings.data), listAll);
	return 0;
}

/** Takes no lock, so a node may run. */
async function listFile(path: string, listAll: (page: Page) => Promise<void>): Promise<void> {
	const documents = new StoredDocuments(path);
	try {
		await listAll((query) => documents.list(query));
	} finally {
		documents.close();
	}
}

const answerSchema = z.object({
	documents: z.array(z.object({ name: z.string(), bytes: z.number() })),
	next: z.string().nullable(),
});

function pagesOf(url: string, configuration: Configuration): Page {
	const ask = operatorClient(url, configuration);
	return async ({ prefix, after, limit }) => {
		const query = new URLSearchParams({ limit: String(limit) });
		if (prefix !== undefined) query.set("prefix", prefix);
		if (after !== undefined) query.set("after", after);
		const { status, body } = await ask("GET", `/api/documents?${query}`);
		if (status !== 200) throw new UserError(`the node says ${status}: ${errorIn(body)}`);
		const { documents, next } = answerSchema.parse(body);
		return { documents, hasMore: next !== null };
	};
}

/** One line, whatever the name is. */
function lineOf({ name, bytes }: ListedDocument): string {
	// biome-ignore lint/suspicious/noControlCharactersInRegex: they would end the line, or steer the terminal.
	const isPlain = !/[\u0000-\u001f\u007f-\u009f"]/.test(name);
	return `${String(bytes).padStart(12)}  ${isPlain ? name : JSON.stringify(name)}`;
}
