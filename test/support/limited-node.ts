import type { LimitEvent } from "../../extensions/limits/index.ts";
import { type LocalNode, type LocalNodeOptions, startLocalNode } from "./local-node.ts";

/** A node with limits that a test can meet, and what was met of them. */
export interface LimitedNode extends LocalNode {
	readonly events: readonly LimitEvent[];
	count(type: LimitEvent["type"], limit: LimitEvent["limit"]): number;
}

export async function limitedNode(options: LocalNodeOptions): Promise<LimitedNode> {
	const events: LimitEvent[] = [];
	const local = await startLocalNode({ ...options, onLimitEvent: (event) => events.push(event) });
	return {
		...local,
		events,
		count: (type, limit) => events.filter((event) => event.type === type && event.limit === limit).length,
	};
}
