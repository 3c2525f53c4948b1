import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import { serveEvents } from "./admin-events.ts";
import { connectionsListedMax } from "./bounds.ts";
import { documentQuerySchema } from "./facts.ts";
import type { Operations } from "./operations.ts";

const bodyBytesMax = 128 * 1024;

const name = z.string().min(1);
const limit = z.coerce.number().int().min(1).max(connectionsListedMax).default(20);
const documentSchema = z.object({ name, measure: z.literal("1").optional() });
const actions = {
	close: z.strictObject({ id: z.string().min(1).max(64) }),
	unload: z.strictObject({ name }),
	drain: z.strictObject({ node: z.string().min(1).max(128) }),
};

/**
 * What the admin page asks for and has done, below `/api/admin`, for whoever was let in. Only POST changes anything, and only with a
 * JSON body.
 */
export function adminRoutes(operations: Operations): Hono {
	const app = new Hono();
	app.get("/events", serveEvents(operations));
	app.get("/documents", async (context) => {
		const query = documentQuerySchema.safeParse(context.req.query());
		if (!query.success) return badInput(context, query.error);
		return context.json(await operations.documents(query.data));
	});
	app.get("/document", async (context) => {
		const query = documentSchema.safeParse(context.req.query());
		if (!query.success) return badInput(context, query.error);
		const nodes = await operations.document(query.data.name, query.data.measure === "1");
		// None when nobody has it in memory.
		return context.json({ name: query.data.name, nodes });
	});
	app.get("/slow-readers", async (context) => {
		const query = z.object({ limit }).safeParse(context.req.query());
		if (!query.success) return badInput(context, query.error);
		return context.json({ readers: await operations.slowReaders(query.data.limit) });
	});
	const limited = bodyLimit({
		maxSize: bodyBytesMax,
		onError: (context) => context.json({ error: `the body is larger than ${bodyBytesMax} bytes` }, 413),
	});
	app.post("/close-connection", limited, async (context) => {
		const body = await readBody(context, actions.close);
		if (body instanceof Response) return body;
		const outcome = await operations.closeConnection(body.id);
		return context.json(outcome, outcome.done ? 200 : 404);
	});
	app.post("/unload", limited, async (context) => {
		const body = await readBody(context, actions.unload);
		if (body instanceof Response) return body;
		return context.json({ nodes: await operations.unload(body.name) });
	});
	app.post("/drain", limited, async (context) => {
		const body = await readBody(context, actions.drain);
		if (body instanceof Response) return body;
		const outcome = await operations.drain(body.node);
		if (outcome !== undefined) return context.json(outcome, outcome.done ? 200 : 409);
		return context.json({ done: false, detail: "There is no such node, or it does not answer." }, 404);
	});
	app.all("*", (context) => context.json({ error: "there is no such operation" }, 404));
	return app;
}

/** @returns The body, or the answer to one that can't be used. */
async function readBody<Body>(context: Context, schema: z.ZodType<Body>): Promise<Body | Response> {
	const isJson = /^application\/json\b/i.test(context.req.header("content-type") ?? "");
	if (!isJson) return context.json({ error: "send JSON, with Content-Type: application/json" }, 415);
	const body: unknown = await context.req.json().catch(() => undefined);
	const read = schema.safeParse(body);
	return read.success ? read.data : badInput(context, read.error);
}

function badInput(context: Context, { issues }: z.ZodError): Response {
	const problems = issues
		.slice(0, 5)
		.map(({ path, message }) => `${path.join(".") || "the body"}: ${message}`);
	return context.json({ error: problems.join("; ") }, 400);
}
