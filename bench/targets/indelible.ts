/** Our node, with its defaults. Argument: {@link TargetSettings}. */
import { createServer } from "node:http";
import { enableCompileCache, flushCompileCache } from "node:module";
import { join } from "node:path";
import { serveBench, targetSettings } from "./protocol.ts";

const compiled = join(targetSettings().data, "compiled");
// As `indelible start` does, in the user's cache.
process.env.NODE_COMPILE_CACHE = compiled;
enableCompileCache(compiled);
const { createNode } = await import("indelible");
const quiet = () => {};
const { data, port: wantedPort, commitDelayMs, shared } = targetSettings();
const node = await createNode({
	data,
	commitDelayMs,
	// How many it can hold is for the bench to find out.
	connectionsMax: 100_000,
	...shared,
	logger: { debug: quiet, info: quiet, warn: quiet, error: console.error },
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
