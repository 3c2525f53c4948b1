import { enableCompileCache, flushCompileCache } from "node:module";
import { join } from "node:path";
import type { NodeOptions } from "indelible";
import { leanHocuspocus } from "../../server/lean-hocuspocus.ts";
import { createServer } from "../../server/node-http.ts";
import { leaveThreadsTheirHeaps } from "../../server/thread-heaps.ts";
import { serveBench, targetSettings } from "./protocol.ts";

const quiet = () => {};

/** Our node, with its defaults and these. */
export async function serveIndelible(options: NodeOptions = {}): Promise<void> {
	const { data, port: wantedPort, shared } = targetSettings();
	const compiled = join(data, "compiled");
	// As `indelible start` does, in the user's cache.
	process.env.NODE_COMPILE_CACHE = compiled;
	enableCompileCache(compiled);
	leaveThreadsTheirHeaps();
	const endLeanness = leanHocuspocus();
	const { createNode } = await import("indelible");
	endLeanness();
	const node = await createNode({
		data,
		// How many it can hold is for the bench to find out.
		connectionsMax: 100_000,
		...shared,
		logger: { debug: quiet, info: quiet, warn: quiet, error: console.error },
		...options,
	});
	const httpServer = createServer((_request, response) => {
		const readiness = node.readiness();
		response.writeHead(readiness.ready ? 200 : 503).end(JSON.stringify(readiness));
	});
	const { port } = await node.listen(httpServer, { port: wantedPort, host: "127.0.0.1" });
	serveBench({
		port,
		totals() {
			const { commits, entries, updates } = node.durability.stats();
			return { commits, documents: entries, updates };
		},
		async close() {
			await node.close();
			httpServer.close();
		},
	});
	flushCompileCache();
}
