import type { Store } from "../../extensions/durability/store.ts";
import { type LocalNode, type LocalNodeOptions, startLocalNode } from "./local-node.ts";
import { MemoryDisk, MemoryStore } from "./memory-store.ts";

/** Nodes in this process that share what is on one disk, and one Redis. */
export interface LocalCluster {
	readonly disk: MemoryDisk;
	/** Starts one more. */
	node(options?: Partial<LocalNodeOptions>): Promise<LocalNode>;
}

export function localCluster(redisUrl: string, common: Partial<LocalNodeOptions> = {}): LocalCluster {
	const disk = new MemoryDisk();
	return {
		disk,
		node: (options) => {
			const store: Store = new MemoryStore(disk, { isShared: true });
			return startLocalNode({ redisUrl, store, ...common, ...options });
		},
	};
}
