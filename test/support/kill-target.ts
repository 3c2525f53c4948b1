/**
 * The process that the kill test kills: a node that compacts and unloads as often as it can, so that a kill hits every
 * phase. Arguments: port, data folder or database URL.
 */
import { createServer } from "node:http";
import { flushCompileCache } from "node:module";
import { createNode } from "../../server/index.ts";

const [port, place = ""] = process.argv.slice(2);
const node = await createNode({
	...(place.includes("://") ? { databaseUrl: place } : { data: place }),
	logger: { debug: () => {}, info: () => {}, warn: console.warn, error: console.error },
	lingerMs: 0,
	compaction: { busyBytesMin: 300, busyUpdatesMin: 10, idleBytesMin: 1, idleUpdatesMin: 1, idleMs: 5 },
	onDurabilityEvent: ({ type }) => process.send?.(type),
});
await node.listen(createServer(), { port: Number(port), host: "127.0.0.1" });
process.send?.("listening");
// Nobody who is killed gets to keep what was compiled.
flushCompileCache();
