import { type Extension, Server } from "@hocuspocus/server";
import { expect, onTestFinished, test } from "vitest";
import * as Y from "yjs";
import { ContentLimits, type LimitEvent, Limits, type LimitsOptions } from "../../extensions/limits/index.ts";
import { Metrics } from "../../extensions/metrics/index.ts";
import { type Client, openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { openRawSocket, upgradeStatus } from "../support/raw-socket.ts";
import { authenticationFrame, syncStep1Frame, updateFrame } from "../support/wire-frames.ts";

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

async function startStock(options: LimitsOptions, others: readonly Extension[] = []) {
	const events: LimitEvent[] = [];
	const limits = new Limits({ logger: quiet, onEvent: (event) => events.push(event), ...options });
	const server = new Server({
		port: 0,
		quiet: true,
		stopOnSignals: false,
		extensions: [limits, ...others],
		onAuthenticate: async ({ token }) => ({ user: { id: token } }),
	});
	await server.listen();
	const clients: Client[] = [];
	onTestFinished(async () => {
		for (const client of clients) client.destroy();
		await server.destroy();
	});
	const url = server.webSocketURL;
	return {
		url,
		hocuspocus: server.hocuspocus,
		client: (name: string, token = "somebody") => {
			const client = openClient({ url, name, token });
			clients.push(client);
			return client;
		},
		count: (type: LimitEvent["type"], limit: LimitEvent["limit"]) =>
			events.filter((event) => event.type === type && event.limit === limit).length,
	};
}

test("on a stock Hocuspocus server: addresses, users, documents and names have their limits", async () => {
	const { url, client, count } = await startStock({
		connectionsPerAddressMax: 5,
		limitPrivateAddresses: true,
		connectionsPerUserMax: 2,
		connectionsPerDocumentMax: 1,
		documentNamePattern: /^[a-z]+$/,
	});
	const first = await client("a").synced();
	const full = client("a", "another");
	await eventually("the document to be full", () => full.denials.length > 0);
	expect(full.denials).toEqual(["document-full"]);
	full.destroy();
	const odd = client("B!", "another");
	await eventually("the name to be refused", () => odd.denials.length > 0);
	expect(odd.denials).toEqual(["invalid-document-name"]);
	const second = await client("b").synced();
	const third = client("c");
	await eventually("the user's third to be closed", () => third.closes.length > 0);
	expect(third.closes[0]).toEqual({ code: 4429, reason: "too-many-connections" });
	third.destroy();
	await openRawSocket(url);
	await eventually("the address to be full", async () => {
		const { status } = await upgradeStatus(url);
		return status === 429;
	});
	await first.type("still here").saved();
	expect([...first.closes, ...second.closes]).toEqual([]);
	expect(count("refused", "connections-per-address")).toBeGreaterThan(0);
});

test("on a stock Hocuspocus server: whoever sends too much is slowed, then closed, while others notice nothing", async () => {
	const { url, client, count } = await startStock({ messagesPerSecondMax: 100, slowedMsMax: 500 });
	const writer = await client("doc").synced();
	const noisy = await openRawSocket(url);
	noisy.ws.send(authenticationFrame("noise", "noisy"));
	await eventually("it to be let in", () => noisy.received.length > 0);
	const timer = setInterval(() => {
		for (let sent = 0; sent < 200 && noisy.ws.bufferedAmount < 1_000_000; sent += 1)
			noisy.ws.send(syncStep1Frame("noise"));
	}, 10);
	onTestFinished(() => clearInterval(timer));
	await eventually("it to be slowed", () => count("slowed", "connection-rate") > 0);
	await writer.type("all is quiet here").saved();
	await eventually("it to be closed", () => noisy.closes.length > 0);
	expect(noisy.closes).toEqual([{ code: 4429, reason: "rate-exceeded" }]);
	expect(writer.closes).toEqual([]);
});

test("on a stock Hocuspocus server: who is slowed is read again, also when one of its documents was closed meanwhile", async () => {
	const { url, hocuspocus, count } = await startStock({ messagesPerSecondMax: 100 });
	const { ws, closes } = await openRawSocket(url);
	for (const name of ["a", "b"]) ws.send(authenticationFrame(name, "somebody"));
	const connections = (name: string) => hocuspocus.documents.get(name)?.getConnections() ?? [];
	await eventually("both to be open", () => connections("a").length + connections("b").length === 2);
	for (let step = 0; step < 1_300; step += 1) ws.send(syncStep1Frame("a"));
	await eventually("it to be slowed", () => count("slowed", "connection-rate") > 0);
	for (const connection of connections("b")) connection.close();
	const author = new Y.Doc();
	author.getText("text").insert(0, "and then");
	ws.send(updateFrame("a", Y.encodeStateAsUpdate(author)));
	const text = () => hocuspocus.documents.get("a")?.getText("text").toString();
	await eventually("what comes later to be read", () => text() === "and then");
	expect(closes).toEqual([]);
});

test("on a stock Hocuspocus server: Metrics has what both extensions met", async () => {
	const metrics = new Metrics({ process: false });
	const { client } = await startStock({ documentNamePattern: /^[a-z]+$/ }, [
		new ContentLimits({ updateBytesMax: 100, logger: quiet }),
		metrics,
	]);
	const odd = client("B!");
	await eventually("the name to be refused", () => odd.denials.length > 0);
	const paster = await client("a").synced();
	paster.type("x".repeat(1_000));
	await eventually("the update to be refused", () => paster.closes.length > 0);
	const text = await metrics.text();
	expect(text).toContain('indelible_limit_events_total{type="refused",limit="document-name"} 1');
	expect(text).toContain('indelible_limit_events_total{type="closed",limit="update-size"} 1');
});
