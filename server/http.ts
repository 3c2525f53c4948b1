import { existsSync } from "node:fs";
import { join } from "node:path";
import { serveStatic } from "@hono/node-server/serve-static";
import { type Context, Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import type { Metrics } from "../extensions/metrics/index.ts";
import { adminHeaders, isAdminPath, serveAdminPage } from "./admin/admin-page.ts";
import { messagePage } from "./message-page.ts";
import type { Readiness } from "./node.ts";

export interface HttpOptions {
	readonly readiness: () => Readiness;
	/** Without it there is no `/metrics`. */
	readonly metrics?: Pick<Metrics, "contentType" | "text"> | undefined;
	/** The folder of the built demo editor; without it there are only the health endpoints. */
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

/** The node's HTTP: health for operators and load balancers, the admin page, and the demo editor. */
export function createHttp({ readiness, metrics, demoFolder, adminFolder }: HttpOptions): Hono {
	const app = new Hono();
	const hasAdminPage = adminFolder !== undefined;
	app.use((context, next) =>
		(hasAdminPage && isAdminPath(context.req.path) ? adminHeaders : pageHeaders)(context, next),
	);
	app.get("/healthz", (context) => json(context, 200, { status: "alive" }));
	app.get("/readyz", (context) => {
		const state = readiness();
		return json(context, state.ready ? 200 : 503, state);
	});
	if (metrics !== undefined) {
		app.get("/metrics", async (context) => {
			context.header("Cache-Control", "no-store");
			return context.body(await metrics.text(), 200, { "Content-Type": metrics.contentType });
		});
	}
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

function json(context: Context, status: 200 | 503, body: object): Response {
	context.header("Cache-Control", "no-store");
	return context.json(body, status);
}

function page(context: Context, status: 200 | 404 | 503, title: string, sentence: string): Response {
	return context.html(messagePage(title, sentence), status);
}
