import { createHash, timingSafeEqual } from "node:crypto";
import type { Context, Hono, Next } from "hono";
import { bodyLimit } from "hono/body-limit";
import { type RevocationRequest, revocationRequestSchema } from "../extensions/auth/index.ts";

/** What operators can have done. */
export interface Administration {
	/** See `IndelibleNode.revoke`. */
	revoke(request: RevocationRequest): number;
}

const bodyBytesMax = 256 * 1024;

/** HTTP for operators, who show the token as `Authorization: Bearer …`. */
export function serveAdministration(app: Hono, token: string, administration: Administration): void {
	app.use("/api/auth/*", async (context: Context, next: Next) => {
		context.header("Cache-Control", "no-store");
		if (isToken(context.req.header("authorization"), token)) return next();
		context.header("WWW-Authenticate", "Bearer");
		return context.json({ error: "the admin token is missing or wrong" }, 401);
	});
	app.post("/api/auth/revoke", bodyLimit({ maxSize: bodyBytesMax }), async (context) => {
		const body: unknown = await context.req.json().catch(() => undefined);
		const request = revocationRequestSchema.safeParse(body);
		if (!request.success) {
			const error = 'the body must be JSON like {"user": "…", "document": "…", "action": "close"}';
			return context.json({ error: `${error}, with one of user and document at least` }, 400);
		}
		try {
			return context.json({ connections: administration.revoke(request.data) });
		} catch (error) {
			if (error instanceof RangeError) return context.json({ error: error.message }, 503);
			throw error;
		}
	});
}

/** Takes as long for a token that is nearly right as for any other. */
function isToken(header: string | undefined, token: string): boolean {
	const given = /^Bearer (.+)$/i.exec(header ?? "")?.[1] ?? "";
	const hash = (text: string) => createHash("sha256").update(text).digest();
	return timingSafeEqual(hash(given), hash(token));
}
