import { existsSync } from "node:fs";
import { join } from "node:path";
import { serveStatic } from "@hono/node-server/serve-static";
import type { Hono, MiddlewareHandler } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { messagePage } from "../message-page.ts";

/** Whether a path is the admin page's or its API's. */
export function isAdminPath(path: string): boolean {
	return path === "/admin" || path.startsWith("/admin/") || path.startsWith("/api/");
}

/** The page shows names that clients chose: whatever it runs, loads or talks to comes from here, and nobody frames it. */
export const adminHeaders: MiddlewareHandler = secureHeaders({
	contentSecurityPolicy: {
		defaultSrc: ["'none'"],
		scriptSrc: ["'self'"],
		styleSrc: ["'self'"],
		imgSrc: ["'self'"],
		connectSrc: ["'self'"],
		baseUri: ["'none'"],
		formAction: ["'none'"],
		frameAncestors: ["'none'"],
	},
	xFrameOptions: "DENY",
	referrerPolicy: "no-referrer",
	// As for the other pages.
	strictTransportSecurity: false,
	crossOriginOpenerPolicy: false,
	originAgentCluster: false,
});

/**
 * The files of the admin page. They hold nothing of this node, so nobody needs a token for them; the page asks for it.
 * @param folder Where it is built; `undefined` when the page is off.
 */
export function serveAdminPage(app: Hono, folder: string | undefined): void {
	if (folder === undefined || !existsSync(join(folder, "index.html"))) {
		const [status, sentence] = folder === undefined ? ([404, off] as const) : ([503, notBuilt] as const);
		app.get("/admin/*", (context) =>
			context.html(messagePage("The admin page is not here", sentence), status),
		);
		if (folder === undefined)
			app.all("/api/admin/*", (context) =>
				context.json({ error: "off: start the node with an admin token" }, 404),
			);
		return;
	}
	const files = (cacheControl: string, path?: string) =>
		serveStatic({
			root: folder,
			precompressed: true,
			...(path === undefined
				? { rewriteRequestPath: (requested: string) => requested.slice("/admin".length) }
				: { path }),
			onFound: (_path, context) => context.header("Cache-Control", cacheControl),
		});
	// Names under assets/ change with their content.
	app.use("/admin/assets/*", files("public, max-age=31536000, immutable"));
	const index = files("no-cache", "index.html");
	app.get("/admin", index);
	app.get("/admin/", (context) => context.redirect("/admin", 301));
	app.use("/admin/*", files("no-cache"));
}

const off =
	"It is off until the node has an admin token: start it with <code>--admin-token</code> or <code>INDELIBLE_ADMIN_TOKEN</code>.";
const notBuilt = "Build it with <code>npm run build</code>.";
