/** Our node, with its defaults. Arguments: the data folder, `commitDelayMs`. */
import { createServer } from "node:http";
import { createNode } from "../../server/index.ts";
import { serveBench } from "./protocol.ts";

const quiet = () => {};
const node = await createNode({
	data: process.argv[2] ?? "./data",
	commitDelayMs: Number(process.argv[3] ?? 0),
	logger: { debug: quiet, info: quiet, warn: console.warn, error: console.error },
});
const httpServer = createServer();
const { port } = await node.listen(httpServer, { port: 0, host: "127.0.0.1" });
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
