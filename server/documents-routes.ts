import { type Context, Hono } from "hono";
import { z } from "zod";
import {
	type CatalogueQuery,
	type DeleteResult,
	type DocumentPage,
	StoreConfigurationError,
	StoreUnavailableError,
} from "../extensions/durability/store.ts";

/** The stored documents of a node; `node.durability` and what it has in memory. */
export interface StoredDocuments {
	list(query: CatalogueQuery): Promise<DocumentPage>;
	delete(documentName: string): Promise<DeleteResult["status"]>;
	free(documentName: string): Promise<boolean>;
	/** When it was last edited, in ms since 1970; `undefined` when that is not known. */
	editedMs(documentName: string): number | undefined;
}

const path = "/api/documents";
const nameBytesMax = 65_536;
const name = z.string().refine((text) => Buffer.byteLength(text) <= nameBytesMax, "it is too long");
const querySchema = z.object({
	prefix: name.optional(),
	after: name.optional(),
	limit: z.coerce.number().int().min(1).max(10_000).default(100),
});

/**
 * Which documents are stored, and an end to them [DUR7], for whoever was let in. Names stand in the path, encoded as by
 * `encodeURIComponent`, slashes as well; or in `?name=`, for `.` and `..` and for proxies that decode slashes.
 */
export function documentsRoutes(documents: StoredDocuments): Hono {
	const app = new Hono();
	app.get("/", async (context) => {
		const query = querySchema.safeParse(context.req.query());
		if (!query.success) return refuse(context, problemsOf(query.error));
		return await answering(context, async () => context.json(await page(documents, query.data)));
	});
	app.delete("/*", async (context) => {
		const found = nameIn(context, /^\/([^/]+)$/);
		if (found === undefined) return refuse(context, badName);
		return await answering(context, async () =>
			(await documents.delete(found)) === "unknown" ? unknown(context) : context.body(null, 204),
		);
	});
	const free = async (context: Context) => {
		const found = nameIn(context, /^\/([^/]+)\/free$/);
		if (found === undefined) return refuse(context, badName);
		return await answering(context, async () =>
			(await documents.free(found)) ? context.body(null, 204) : unknown(context, "no deleted document"),
		);
	};
	app.post("/free", free);
	app.post("/:name/free", free);
	app.all("*", (context) => context.json({ error: "there is no such operation" }, 404));
	return app;
}

const badName =
	"name the document in the path, as encodeURIComponent encodes it (slashes too), or in ?name=; it has 1 to 65536 bytes";

async function page(documents: StoredDocuments, query: CatalogueQuery) {
	const { documents: found, hasMore } = await documents.list(query);
	const rows = found.map(({ name, bytes }) => ({
		name,
		bytes,
		editedAt: dateOf(documents.editedMs(name)),
	}));
	return { documents: rows, next: hasMore ? (found.at(-1)?.name ?? null) : null };
}

function dateOf(ms: number | undefined): string | null {
	return ms === undefined ? null : new Date(ms).toISOString();
}

/** @returns `undefined` when there is none, or none that can be one. */
function nameIn(context: Context, pattern: RegExp): string | undefined {
	// Not as Hono has it, which leaves alone what it can't decode.
	const encoded = pattern.exec(new URL(context.req.url).pathname.slice(path.length))?.[1];
	const found = encoded === undefined ? context.req.query("name") : decoded(encoded);
	if (found === undefined || found === "" || Buffer.byteLength(found) > nameBytesMax) return undefined;
	return found.isWellFormed() ? found : undefined;
}

function decoded(encoded: string): string | undefined {
	try {
		return decodeURIComponent(encoded);
	} catch {
		return undefined;
	}
}

function problemsOf({ issues }: z.ZodError): string {
	return issues.map(({ path: [field], message }) => `${String(field)}: ${message}`).join("; ");
}

function refuse(context: Context, error: string): Response {
	return context.json({ error }, 400);
}

function unknown(context: Context, what = "no document"): Response {
	return context.json({ error: `there is ${what} of this name` }, 404);
}

async function answering(context: Context, work: () => Promise<Response>): Promise<Response> {
	try {
		return await work();
	} catch (error) {
		if (error instanceof StoreConfigurationError) return context.json({ error: error.message }, 501);
		if (!(error instanceof StoreUnavailableError)) throw error;
		context.header("Retry-After", "1");
		return context.json({ error: `it may not be done; ask again: ${error.message}` }, 503);
	}
}
