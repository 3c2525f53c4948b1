import { Server } from "@hocuspocus/server";
import { expect, onTestFinished, test } from "vitest";
import { ContentLimits, type LimitEvent } from "../../extensions/limits/index.ts";
import { type Client, openClient } from "../support/client.ts";
import { localCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { startRedis } from "../support/redis-server.ts";

const KiB = 1024;

test("what other nodes have taken is never refused, however full it makes the document, and neither is what the store has", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const events: LimitEvent[] = [];
	const limited = {
		documentBytesMax: 16 * KiB,
		updateBytesMax: 8 * KiB,
		presenceBytesMax: KiB,
		onLimitEvent: (event: LimitEvent) => events.push(event),
	};
	const [wide, narrow] = [await cluster.node(), await cluster.node(limited)];
	await eventually("the nodes to know each other", () =>
		[wide, narrow].every(({ node }) => node.bus?.nodes.length === 1),
	);
	const anna = await wide.client("page").synced();
	const bert = await narrow.client("page").synced();
	anna.type("x".repeat(40 * KiB));
	anna.provider.awareness?.setLocalState({ picture: "x".repeat(5 * KiB) });
	await eventually("all of it", () => bert.text.length === 40 * KiB);
	await eventually("the picture", () =>
		[...(bert.provider.awareness?.getStates().values() ?? [])].some(({ picture }) => picture !== undefined),
	);
	expect(events).toEqual([]);
	await anna.saved();

	// Its own clients add nothing, and make room.
	bert.type("no room");
	await eventually("a refusal", () => events.length > 0);
	expect(events[0]).toEqual({ type: "refused", limit: "document-size" });
	anna.type("!");
	await eventually("the next edit", () => bert.text.toString().includes("!"));
	bert.text.delete(0, 35 * KiB);
	await bert.saved();
	await eventually("both to be in step", () => anna.text.toString() === bert.text.toString());
	expect(anna.text.toString()).toContain("no room");
	expect([...anna.closes, ...bert.closes]).toEqual([]);

	anna.type("y".repeat(40 * KiB));
	await anna.saved();
	await narrow.close();
	const reopened = await cluster.node(limited);
	const carl = await reopened.client("page").synced();
	await eventually("all that is stored", () => carl.text.toString() === anna.text.toString());
});

test("[TRN5] on a stock server, too: updates, documents and what is held back", async () => {
	const events: LimitEvent[] = [];
	const contentLimits = new ContentLimits({
		updateBytesMax: 8 * KiB,
		documentBytesMax: 16 * KiB,
		logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
		onEvent: (event) => events.push(event),
	});
	const server = new Server({ port: 0, quiet: true, stopOnSignals: false, extensions: [contentLimits] });
	await server.listen();
	const clients: Client[] = [];
	onTestFinished(async () => {
		for (const client of clients) client.destroy();
		await server.destroy();
	});
	const client = () => {
		const opened = openClient({ url: server.webSocketURL, name: "doc" });
		clients.push(opened);
		return opened.synced();
	};
	const [writer, other, paster] = [await client(), await client(), await client()];
	const pages = writer.document.getArray("pages");
	while (events.length === 0) {
		pages.push(["p".repeat(KiB)]);
		await eventually(
			"an answer",
			() =>
				events.length > 0 ||
				server.hocuspocus.documents.get("doc")?.getArray("pages").length === pages.length,
		);
	}
	expect(events[0]).toEqual({ type: "refused", limit: "document-size" });
	const known = other.document.getArray("pages");
	await eventually("what was taken", () => known.length === pages.length - 1);
	known.delete(0, 5);
	await eventually("what was refused", () => known.length === pages.length && known.length > 5);

	paster.type("x".repeat(10 * KiB));
	await eventually("to be closed", () => paster.closes.length === 1);
	expect(paster.closes[0]).toEqual({ code: 4413, reason: "update-too-big" });
	await eventually("to be back", () => events.at(-1)?.type === "refused");
	known.delete(0, 1);
	await eventually("to see the others", () => paster.document.getArray("pages").length === known.length);
	expect([...writer.closes, ...other.closes]).toEqual([]);
	expect(paster.closes).toHaveLength(1);
});
