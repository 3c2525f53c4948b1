import type { Store } from "../../extensions/durability/store.ts";
import type { NodeOptions } from "../../server/index.ts";
import { type LocalNode, startLocalNode } from "./local-node.ts";
import { MemoryDisk, MemoryStore } from "./memory-store.ts";

/** Nodes in this process that share what is on one disk, and one Redis. */
export interface LocalCluster {
	readonly disk: MemoryDisk;
	/** Starts one more. */
	node(options?: Partial<NodeOptions>): Promise<LocalNode>;
}

export function localCluster(redisUrl: string, common: Partial<NodeOptions> = {}): LocalCluster {
	const disk = new MemoryDisk();
	return {
		disk,
		node: (options) => {
			const store: Store = new MemoryStore(disk, { isShared: true });
			return startLocalNode({ redisUrl, store, ...common, ...options });
		},
	};
}
