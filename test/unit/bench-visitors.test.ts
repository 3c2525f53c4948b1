import { once } from "node:events";
import { createServer } from "node:http";
import { Server } from "@hocuspocus/server";
import { expect, onTestFinished, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { arrive } from "../../bench/arrivals.ts";
import { OpenDocument } from "../../bench/open-document.ts";
import { Returner } from "../../bench/returner.ts";
import { generateDocument } from "../../bench/typist.ts";
import { type Visitor, visitFrames } from "../../bench/visitor.ts";
import { eventually } from "../support/eventually.ts";

const contents = generateDocument(2_000);
const documentName = "visited";
const deadlineMs = 10_000;

/** The bench's clients are held against what they are to compare with. */
async function startStock(): Promise<string> {
	const server = new Server({ port: 0, quiet: true, stopOnSignals: false, address: "127.0.0.1" });
	// The constructor takes 0 for "not given".
	server.configuration.port = 0;
	await server.listen();
	onTestFinished(async () => {
		await server.destroy();
	});
	return `ws://127.0.0.1:${server.address.port}`;
}

/** A server that does as it is told with each socket. */
async function startServer(act: (webSocket: WebSocket) => void): Promise<string> {
	const httpServer = createServer().listen(0, "127.0.0.1");
	const webSockets = new WebSocketServer({ server: httpServer });
	webSockets.on("connection", act);
	await once(httpServer, "listening");
	onTestFinished(() => {
		for (const webSocket of webSockets.clients) webSocket.terminate();
		httpServer.close();
	});
	const address = httpServer.address();
	if (address === null || typeof address === "string") throw new Error("no port");
	return `ws://127.0.0.1:${address.port}`;
}

test("visitors get the document, those who have most of it the rest, and a comparison notices what is missing", async () => {
	const url = await startStock();
	const document = await OpenDocument.open({ url, documentName, contents, keystrokes: 30 });
	const had = document.contents();
	const frames = visitFrames(documentName, document.stateVector());
	await document.type(20);
	const leave = (visitors: readonly Visitor[]) => {
		for (const visitor of visitors) visitor.terminate();
	};

	const fresh = await arrive({
		count: 3,
		arrival: () => ({ url, frames: visitFrames(documentName), keeps: true }),
		deadlineMs,
	});
	const returning = await arrive({
		count: 3,
		arrival: () => ({ url, frames, keeps: true }),
		deadlineMs,
	});
	onTestFinished(() => {
		document.leave();
		leave(fresh.visitors);
		leave(returning.visitors);
	});

	expect(fresh.visitors.map(({ updates }) => document.isIn(updates))).toEqual([true, true, true]);
	expect(returning.visitors.map(({ updates }) => document.isIn([had, ...updates]))).toEqual([
		true,
		true,
		true,
	]);
	const received = ({ visitors }: { visitors: readonly Visitor[] }) => visitors[0]?.syncedBytes ?? Number.NaN;
	expect(received(returning)).toBeLessThan(received(fresh) / 2);
	expect(returning.visitors.map(({ updates }) => document.isIn(updates))).toEqual([false, false, false]);
	expect(document.isIn([had])).toBe(false);
	expect(document.typedIn(fresh.visitors[0]?.updates ?? [])).toBe(20);

	// What comes later reaches those who stay, after what they had when they were synced.
	await document.type(1);
	const [stayed] = fresh.visitors;
	await eventually("the next keystroke", () => document.isIn(stayed?.updates ?? []));
	expect(document.isIn((stayed?.updates ?? []).slice(0, stayed?.updatesUntilSynced))).toBe(false);
});

test("a server that says nothing, or sends somebody away, ends a measurement with the reason", async () => {
	const silent = await startServer(() => {});
	const arrival = (url: string) => () => ({ url, frames: visitFrames(documentName) });
	await expect(arrive({ count: 2, arrival: arrival(silent), deadlineMs: 200 })).rejects.toThrow(
		"2 of 2 had no document after 200 ms",
	);
	const hostile = await startServer((webSocket) => webSocket.close(4403, "not you"));
	await expect(arrive({ count: 2, arrival: arrival(hostile), deadlineMs })).rejects.toThrow("4403 not you");
});

test("a visitor that stops reading gets all of it when it reads again", async () => {
	const url = await startStock();
	const document = await OpenDocument.open({ url, documentName, contents, keystrokes: 5 });
	const { visitors } = await arrive({
		count: 2,
		arrival: () => ({ url, frames: visitFrames(documentName), keeps: true }),
		deadlineMs,
	});
	onTestFinished(() => {
		document.leave();
		for (const visitor of visitors) visitor.terminate();
	});
	const [reading, stopped] = visitors;
	stopped?.stopReading();
	await document.type(5);
	await eventually("the one who reads", () => document.isIn(reading?.updates ?? []));
	expect(stopped?.updates.length).toBe(stopped?.updatesUntilSynced);
	stopped?.readAgain();
	await eventually("the one who reads again", () => document.isIn(stopped?.updates ?? []));
});

test("returners come back a second after a loss, and wait longer each time they fail, as the provider does", async () => {
	const connectedMs: number[] = [];
	// Lets somebody in, sends them away, hangs up on them twice, and lets them in for good.
	const behaviours = ["send away", "hang up", "hang up", "keep"];
	const url = await startServer((webSocket) => {
		connectedMs.push(performance.now());
		const behaviour = behaviours.shift();
		if (behaviour === "hang up") webSocket.terminate();
		else webSocket.send(new Uint8Array([0, 0, 1, 2, 0, 0]));
		if (behaviour === "send away") webSocket.close(1012, "restarting");
	});
	let synced = 0;
	let failures = 0;
	const returner = new Returner({
		url,
		frames: visitFrames(""),
		onSynced: () => (synced += 1),
		onFailure: () => (failures += 1),
	});
	onTestFinished(() => returner.leave());
	await eventually("being back", () => synced === 2);
	expect(failures).toBe(2);
	const [first = 0, second = 0, third = 0, fourth = 0] = connectedMs;
	// After the loss and after the first failure 1 s, after the second 1 to 2 s.
	for (const waitedMs of [second - first, third - second, fourth - third])
		expect(waitedMs).toBeGreaterThan(990);
});
