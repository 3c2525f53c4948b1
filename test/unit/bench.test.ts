import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import * as Y from "yjs";
import { drawCharts } from "../../bench/chart.ts";
import { writeTogether } from "../../bench/crowd-script.ts";
import { readReplay, replayedDocument } from "../../bench/editing-trace.ts";
import { describeEnvironment } from "../../bench/environment.ts";
import { isLimit } from "../../bench/generator-watch.ts";
import { Histogram } from "../../bench/histogram.ts";
import { LeanSocket } from "../../bench/lean-socket.ts";
import { readRunsOfEdits, remember } from "../../bench/runs.ts";
import { readResult, saveResult } from "../../bench/saved-result.ts";
import { scenarios } from "../../bench/scenarios/index.ts";
import { generateDocument } from "../../bench/typist.ts";
import { readResults, withFigures } from "../../scripts/benchmarks-page.ts";

const ends: (() => void)[] = [];
afterEach(() => {
	for (const end of ends.splice(0)) end();
});

test("percentiles of a histogram are those of the values, to 2 %", () => {
	fc.assert(
		fc.property(
			fc.array(fc.double({ min: 0.02, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 200 }),
			fc.constantFrom(0.5, 0.9, 0.99),
			(values, share) => {
				const histogram = new Histogram();
				for (const value of values) histogram.add(value);
				const sorted = values.toSorted((a, b) => a - b);
				const exact = sorted[Math.ceil(values.length * share) - 1] ?? Number.NaN;
				expect(histogram.percentile(share) / exact).toBeGreaterThan(0.97);
				expect(histogram.percentile(share) / exact).toBeLessThan(1.03);
			},
		),
	);
});

test("a lean socket gets every message and sends every size, however TCP cuts them", async () => {
	const sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 300_000, 5];
	const httpServer = createServer().listen(0, "127.0.0.1");
	const webSockets = new WebSocketServer({ server: httpServer, perMessageDeflate: false });
	webSockets.on("connection", (webSocket) => {
		webSocket.on("message", (data) => webSocket.send(data));
		webSocket.ping();
	});
	await once(httpServer, "listening");
	// Between them, somebody who passes on what the server says in small pieces.
	const cutting = createTcpServer((client) => {
		const server = connect(portOf(httpServer), "127.0.0.1");
		client.pipe(server);
		let pieces = 0;
		server.on("data", (data: Buffer) => {
			for (let at = 0; at < data.length; pieces += 1) {
				const bytes = pieces < 50 ? 1 : 1 + ((pieces * 7919) % 5000);
				client.write(data.subarray(at, at + bytes));
				at += bytes;
			}
		});
		for (const socket of [client, server]) socket.on("error", () => {});
	}).listen(0, "127.0.0.1");
	await once(cutting, "listening");
	ends.push(
		() => httpServer.close(),
		() => cutting.close(),
	);

	const got: Buffer[] = [];
	const { promise: all, resolve, reject } = Promise.withResolvers<void>();
	const closed = Promise.withResolvers<string>();
	const socket = new LeanSocket({
		url: `ws://127.0.0.1:${portOf(cutting)}/`,
		onOpen() {
			for (const [n, size] of sizes.entries()) socket.send(Buffer.alloc(size, n + 1));
		},
		onMessage(message) {
			got.push(Buffer.from(message));
			if (got.length === sizes.length) resolve();
		},
		onClosed(why) {
			reject(new Error(why));
			closed.resolve(why);
		},
	});
	await all;
	expect(got.map(({ length }) => length)).toEqual(sizes);
	expect(got.every((message, n) => message.every((byte) => byte === n + 1))).toBe(true);
	for (const webSocket of webSockets.clients) webSocket.close(4001, "enough");
	expect(await closed.promise).toBe("the server closed the socket: 4001 enough");
});

test("what many type together needs nothing but what was there, and is told apart by its authors", () => {
	const [authors, keystrokes] = [70, 4];
	const contents = generateDocument(500);
	const scripts = writeTogether(contents, authors, keystrokes);
	const document = new Y.Doc();
	Y.applyUpdate(document, contents);
	const before = document.getText("text").length;
	// Each author's all at once, the last author first.
	for (const script of scripts.toReversed()) for (const update of script) Y.applyUpdate(document, update);
	expect(document.store.pendingStructs).toBeNull();
	expect(document.getText("text").length).toBe(before + authors * keystrokes);

	const read = remember(readRunsOfEdits);
	const merged = Y.mergeUpdates([contents, ...(scripts[3] ?? []), ...(scripts[69] ?? []).slice(2)]);
	const runs = [
		{ author: 69, from: 2, to: 4 },
		{ author: 3, from: 0, to: 4 },
	];
	expect(read(merged)).toEqual(runs);
	expect(read(merged.slice())).toBe(read(merged));
});

describe("a recorded history", () => {
	const record = (recorded: object) => {
		const folder = mkdtempSync(join(tmpdir(), "indelible-trace-"));
		ends.push(() => rmSync(folder, { recursive: true }));
		const path = join(folder, "trace.json.gz");
		writeFileSync(path, gzipSync(JSON.stringify(recorded)));
		return path;
	};
	const textOf = (update: Uint8Array) => {
		const document = new Y.Doc();
		Y.applyUpdate(document, update);
		return document.getText("text").toString();
	};

	test("of several people is replayed with positions as each of them saw them", () => {
		const path = record({
			txns: [
				{ parents: [], agent: 0, patches: [[0, 0, "ac"]] },
				{ parents: [0], agent: 1, patches: [[2, 0, "de"]] },
				{ parents: [0], agent: 0, patches: [[1, 0, "b"]] },
				{ parents: [1, 2], agent: 1, patches: [[0, 1, ""]] },
				{
					parents: [3],
					agent: 0,
					patches: [
						[0, 1, "B"],
						[4, 0, "f"],
					],
				},
			],
		});
		expect(textOf(replayedDocument(path))).toBe("Bcdef");
		const { authors, edits } = readReplay(path);
		expect(authors).toBe(2);
		expect(edits.map(({ author, clock }) => [author, clock])).toEqual([
			[0, 2],
			[1, 2],
			[0, 3],
			// Nothing was inserted.
			[1, 2],
			[0, 5],
		]);
		expect(readReplay(path, 2).edits).toHaveLength(2);
	});

	test("of one person needs no parents", () => {
		const path = record({
			startContent: "xy",
			txns: [{ patches: [[2, 0, "z"]] }, { patches: [[0, 1, ""]] }, { patches: [[1, 1, "Z"]] }],
		});
		expect(textOf(replayedDocument(path))).toBe("yZ");
	});
});

test("a generator that had nothing to spare is said to be the limit", () => {
	expect(isLimit({ cpuShare: 0.95, loopDelayP99Ms: 0 }, 100)).toBe(true);
	expect(isLimit({ cpuShare: 0.5, loopDelayP99Ms: 60 }, 100)).toBe(true);
	expect(isLimit({ cpuShare: 0.5, loopDelayP99Ms: 20 }, 100)).toBe(false);
	expect(isLimit({ cpuShare: 0.5, loopDelayP99Ms: 1 }, 1)).toBe(false);
});

test("a chart shows each target's figure and does not compare one that fell behind", () => {
	const svg = drawCharts(
		"a < b",
		{
			of: [
				{ title: "Time", value: ({ ms }) => Number(ms), text: (value) => `${value} ms` },
				{
					title: "Until then",
					value: ({ until }) => Number(until),
					text: (value) => (Number.isFinite(value) ? `${value} s` : "never"),
				},
			],
			note: "R & D",
		},
		[
			{ target: "Indelible", part: "small", ms: 10, until: 1 },
			{ target: "stock Hocuspocus", part: "small", ms: 40, until: Number.POSITIVE_INFINITY },
			{ target: "raw ws", part: "small", ms: 9000, until: 9000, fellBehind: 1 },
			{ target: "Indelible", part: "large", ms: 0, until: Number.NaN, generatorWasLimit: 1 },
		],
	);
	const bars = [...svg.matchAll(/<rect class="bar-(\w+)" [^>]*width="([\d.]+)"/g)];
	expect(bars.map(([, target]) => target)).toEqual(["indelible", "stock", "indelible"]);
	const [ours, stocks] = bars.map(([, , px]) => Number(px));
	expect(Number(stocks) / Number(ours)).toBeCloseTo(4, 1);
	for (const said of ["a &#60; b", "10 ms", "R &#38; D", "small", "large", "0 ms *"])
		expect(svg).toContain(said);
	expect(svg).toContain('class="bad">never<');
	expect(svg.match(/class="bad">falls behind</g)).toHaveLength(1);
	expect(svg).not.toContain("9000");
});

test("figures that are saved are those that are read, also those that were not measured or never came", () => {
	const folder = mkdtempSync(join(tmpdir(), "indelible-saved-"));
	ends.push(() => rmSync(folder, { recursive: true }));
	const [scenario] = scenarios;
	if (scenario === undefined) throw new Error("there are none");
	const { date: _, ...where } = describeEnvironment("npm run bench -- kill", folder);
	const rows = [
		{
			target: "Indelible",
			acknowledged: 1_234_567,
			lost: 0,
			ratio: 1.23456789,
			never: Number.POSITIVE_INFINITY,
		},
		{ target: "stock Hocuspocus", acknowledged: 1_000, lost: Number.NaN },
	];
	const saved = { scenario: scenario.name, description: "d", ...where, rows, failures: [] };
	saveResult(folder, scenario, saved);
	const read = readResult(folder, scenario);
	expect(read).toEqual({ ...saved, rows: [{ ...rows[0], ratio: 1.2346 }, rows[1]] });

	const mark = `<!-- bench: ${scenario.name} -->`;
	const page = `before\n\n${mark}\n\nold\n\n<!-- end of bench -->\n\n<!-- bench: summary -->\n\nkept\n\n<!-- end of bench -->\n`;
	const written = withFigures(page, readResults(folder));
	expect(written).toMatch(/\| +1,234,567 \|/);
	expect(written).toContain("npm run bench -- kill");
	expect(written).not.toContain("old");
	expect(written).toContain("kept");
	expect(withFigures(written, readResults(folder))).toBe(written);
	expect(() => withFigures(page.replace(mark, "<!-- bench: nothing -->"), new Map())).toThrow("no scenario");
});

function portOf(server: { address(): unknown }): number {
	const address = server.address();
	if (typeof address === "object" && address !== null && "port" in address) return Number(address.port);
	throw new Error("it does not listen");
}
