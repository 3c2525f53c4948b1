import { expect, test } from "vitest";
import { openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

test("[TRN1] [TRN5] connections of which nothing is heard any more, as when a cable is pulled, are gone after two pings, with their presence", async () => {
	const node = await startLocalNode({ pingIntervalMs: 200 });
	const network = await startTcpProxy(node.port);
	const other = await node.client("doc").synced();
	const lost = [1, 2, 3].map(() => openClient({ url: `ws://127.0.0.1:${network.port}`, name: "doc" }));
	try {
		for (const client of lost) {
			await client.synced();
			client.provider.setAwarenessField("user", { name: "lost" });
		}
		const people = () => other.provider.awareness?.getStates().size ?? 0;
		await eventually("all to be seen", () => people() >= lost.length);
		network.freeze();
		await eventually("them to be gone", () => node.node.connections === 1);
		await eventually("their presence to be gone", () => people() <= 1);
		await other.type("and others go on").saved();
		expect(other.closes).toEqual([]);
	} finally {
		for (const client of lost) client.destroy();
	}
});
