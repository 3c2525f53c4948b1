import type { Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { type RevocationRequest, readRevocationRequest } from "../extensions/auth/index.ts";
import { type AdminGateOptions, adminGate } from "./admin/admin-gate.ts";
import { adminRoutes } from "./admin/admin-routes.ts";
import type { Operations } from "./admin/operations.ts";
import { documentsRoutes, type StoredDocuments } from "./documents-routes.ts";

/** What operators can have done. */
export interface Administration {
	/** See `IndelibleNode.revoke`. */
	revoke(request: RevocationRequest): number;
	readonly operations: Operations;
	readonly documents: StoredDocuments;
}

const bodyBytesMax = 256 * 1024;

/** HTTP for operators, who show the token as `Authorization: Bearer …`. */
export function serveAdministration(
	app: Hono,
	access: AdminGateOptions,
	administration: Administration,
): void {
	const gate = adminGate(access);
	app.use("/api/auth/*", gate);
	app.use("/api/admin/*", gate);
	// Also without what is behind it.
	app.use("/api/documents/*", gate);
	app.post("/api/auth/revoke", bodyLimit({ maxSize: bodyBytesMax }), (context) =>
		revoke(context, administration),
	);
	app.route("/api/admin", adminRoutes(administration.operations));
	app.route("/api/documents", documentsRoutes(administration.documents));
}

async function revoke(context: Context, administration: Administration): Promise<Response> {
	const body: unknown = await context.req.json().catch(() => undefined);
	const request = readRevocationRequest(body);
	if (request === undefined) {
		const error = 'the body must be JSON like {"user": "…", "document": "…", "action": "close"}';
		return context.json({ error: `${error}, with one of user and document at least` }, 400);
	}
	try {
		const connections = administration.revoke(request);
		administration.operations.refresh();
		return context.json({ connections });
	} catch (error) {
		if (error instanceof RangeError) return context.json({ error: error.message }, 503);
		throw error;
	}
}
