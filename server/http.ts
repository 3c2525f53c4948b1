import { existsSync } from "node:fs";
import { join } from "node:path";
import { serveStatic } from "@hono/node-server/serve-static";
import { type Context, Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { adminHeaders, isAdminPath, serveAdminPage } from "./admin/admin-page.ts";
import { messagePage } from "./message-page.ts";

export interface HttpOptions {
	/** The folder of the built demo editor; without it that is off. */
	readonly demoFolder?: string | undefined;
	/** The folder of the built admin page; without it that is off. */
	readonly adminFolder?: string | undefined;
}

/** What the demo editor and everything but the admin page may load. */
const pageHeaders = secureHeaders({
	// Boards and texts show pictures from anywhere; whatever runs comes from here.
	contentSecurityPolicy: {
		defaultSrc: ["'self'"],
		scriptSrc: ["'self'", "'wasm-unsafe-eval'"],
		styleSrc: ["'self'", "'unsafe-inline'"],
		imgSrc: ["'self'", "data:", "blob:", "https:", "http:"],
		fontSrc: ["'self'", "data:"],
		connectSrc: ["'self'", "ws:", "wss:", "data:", "blob:"],
		workerSrc: ["'self'", "blob:"],
		objectSrc: ["'none'"],
		baseUri: ["'self'"],
		frameAncestors: ["'self'"],
	},
	// The node may be reached over plain HTTP in a private network; TLS is the proxy's.
	strictTransportSecurity: false,
	crossOriginOpenerPolicy: false,
	originAgentCluster: false,
});

/** The node's pages: the admin page and the demo editor. What machines ask for is in `./plain-answers.ts`. */
export function createHttp({ demoFolder, adminFolder }: HttpOptions): Hono {
	const app = new Hono();
	const hasAdminPage = adminFolder !== undefined;
	app.use((context, next) =>
		(hasAdminPage && isAdminPath(context.req.path) ? adminHeaders : pageHeaders)(context, next),
	);
	serveAdminPage(app, adminFolder);
	if (demoFolder === undefined) {
		app.get("/", (context) => page(context, 200, "Indelible is running", "The demo editor is switched off."));
	} else if (existsSync(join(demoFolder, "index.html"))) {
		serveDemo(app, demoFolder);
	} else {
		const notBuilt = (context: Context) =>
			page(context, 503, "The demo editor is not built", "Build it with <code>npm run build</code>.");
		app.get("/", notBuilt);
		app.get("/d/*", notBuilt);
	}
	app.notFound((context) =>
		page(context, 404, "Nothing here", `There is no such page. <a href="/">Go to the start page</a>`),
	);
	return app;
}

function serveDemo(app: Hono, demoFolder: string): void {
	const files = (cacheControl: string, path?: string) =>
		serveStatic({
			root: demoFolder,
			precompressed: true,
			...(path === undefined ? {} : { path }),
			onFound: (_path, context) => context.header("Cache-Control", cacheControl),
		});
	// Names under /assets/ change with their content.
	app.use("/assets/*", files("public, max-age=31536000, immutable"));
	const index = files("no-cache", "index.html");
	app.get("/", index);
	// A document's name may hold anything, encoded slashes included.
	app.get("/d/*", index);
	app.use("*", files("no-cache"));
}

function page(context: Context, status: 200 | 404 | 503, title: string, sentence: string): Response {
	return context.html(messagePage(title, sentence), status);
}
