import { Hocuspocus } from "@hocuspocus/server";
import { expect, test, vi } from "vitest";
import { CommitTraces } from "../../extensions/durability/commit-traces.ts";
import { DocumentLog } from "../../extensions/durability/document-log.ts";
import { decodeFrame, FrameWriter, nodeIdentifier } from "../../extensions/redis/frames.ts";
import { otlpRequest } from "../../extensions/tracing/otlp-json.ts";
import { readTraceParent, type Span } from "../../extensions/tracing/span.ts";
import { Trace } from "../../extensions/tracing/trace.ts";
import { Tracing } from "../../extensions/tracing/tracing.ts";
import { readHeaders } from "../../server/tracing-settings.ts";
import { eventually } from "../support/eventually.ts";
import { ManualClock } from "../support/manual-clock.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";

test.for([
	[`00-${traceId}-${spanId}-01`, { traceId, spanId }],
	[`01-${traceId}-${spanId}-03-what-comes-later`, { traceId, spanId }],
	[`00-${traceId}-${spanId}-00`, undefined],
	[`00-${"0".repeat(32)}-${spanId}-01`, undefined],
	[`00-${traceId}-${"0".repeat(16)}-01`, undefined],
	[`00-${traceId.toUpperCase()}-${spanId}-01`, undefined],
	["00-abc", undefined],
	["", undefined],
] as const)("traceparent %s", ([header, expected]) => {
	expect(readTraceParent(header)).toEqual(expected);
});

test("a trace is told when its last step is over, whatever order they end in, and once", () => {
	const told: Span[][] = [];
	const start = { name: "edit", kind: 2, startMs: 10, attributes: { a: 1 } };
	const trace = new Trace(start, (spans) => told.push([...spans]));
	trace.begin();
	trace.begin();
	trace.add("wait", 10, 12);
	trace.end("log", 12, 40);
	expect(told).toEqual([]);
	trace.describe({ b: 2 });
	trace.end("fan-out", 12, 15, { error: "failed" });
	expect(told).toHaveLength(1);
	expect(told[0]?.map(({ name }) => name)).toEqual(["wait", "log", "fan-out", "edit"]);
	const root = told[0]?.at(-1);
	expect(root).toMatchObject({ startMs: 10, endMs: 40, attributes: { a: 1, b: 2 }, error: "failed" });
	expect(new Set(told[0]?.map(({ context }) => context.spanId)).size).toBe(4);
	trace.finish();
	expect(told).toHaveLength(1);
});

test("what never ends makes room for what comes", () => {
	const told: Span[] = [];
	const tracing = new Tracing({ oneIn: 1, onSpans: (spans) => told.push(...spans) });
	for (let count = 0; count < 1_500; count += 1) tracing.startEdit(count)?.begin();
	expect(told).toHaveLength(500);
	expect(told[0]).toMatchObject({ name: "edit", startMs: 0 });
});

test("who opens a document anew before its first opening is over makes two traces, each of its own steps", async () => {
	const told: Span[] = [];
	const tracing = new Tracing({ oneIn: 1, onSpans: (spans) => told.push(...spans) });
	const waiting: (() => void)[] = [];
	const instance = new Hocuspocus({
		extensions: [tracing],
		onAuthenticate: () => new Promise<void>((resolve) => waiting.push(resolve)),
	});
	await eventually("it to watch", () => Object.hasOwn(instance, "hooks"));
	const payload = { socketId: "socket", documentName: "page" };
	const run = (name: "onConnect" | "onAuthenticate" | "connected") => instance.hooks(name, payload as never);
	await run("onConnect");
	const first = run("onAuthenticate");
	await run("onConnect");
	const second = run("onAuthenticate");
	await eventually("both to be asked who they are", () => waiting.length === 2);
	for (const resolve of waiting) resolve();
	await Promise.all([first, second]);
	await run("connected");
	const roots = told.filter(({ name }) => name === "open document");
	expect(roots).toHaveLength(2);
	const stepsOf = ({ context }: Span) =>
		told.filter(({ parentSpanId }) => parentSpanId === context.spanId).map(({ name }) => name);
	expect(roots.map(stepsOf)).toEqual([["connect"], ["connect", "authenticate", "connected"]]);
});

test("[DUR3] while a store is away, no more edits are followed to the disk than memory is meant for; the later ones are told without it", () => {
	const told: Span[] = [];
	const tracing = new Tracing({ oneIn: 1, onSpans: (spans) => told.push(...spans) });
	const log = new DocumentLog("page");
	const commitTraces = new CommitTraces({ clock: new ManualClock(), commitStartedMs: 0 });
	const listen = vi.spyOn(log, "listen");
	const edit = () => {
		const trace = tracing.startEdit(0);
		if (trace === undefined) throw new Error("not traced");
		trace.begin();
		log.append(Uint8Array.of(1));
		commitTraces.follow(trace, log);
		trace.end("fan-out", 0, 1);
	};
	const commit = () => {
		log.take(1_000_000);
		log.settle();
	};
	for (let count = 0; count < 5_000; count += 1) edit();
	expect(listen.mock.calls.length).toBeLessThanOrEqual(500);
	expect(told.filter(({ name }) => name === "edit")).toHaveLength(4_500);
	expect(told.filter(({ name }) => name === "commit")).toHaveLength(0);
	commit();
	expect(told.filter(({ name }) => name === "edit")).toHaveLength(5_000);
	expect(told.filter(({ name }) => name === "commit")).toHaveLength(500);
	edit();
	commit();
	expect(told.filter(({ name }) => name === "commit")).toHaveLength(501);
	edit();
	log.abandon();
	expect(told.at(-1)).toMatchObject({ name: "edit", error: "abandoned" });
});

test("a listener that throws is nobody else's problem, and what is traced is told apart in nested calls", () => {
	const errors: string[] = [];
	const logger = {
		debug() {},
		info() {},
		warn() {},
		error: (_fields: object, message: string) => errors.push(message),
	};
	const tracing = new Tracing({
		oneIn: 1,
		logger,
		onSpans: () => {
			throw new Error("not today");
		},
	});
	const [outer, inner] = [tracing.startEdit(0), tracing.startEdit(1)];
	tracing.within(outer, () => {
		expect(() =>
			tracing.within(inner, () => {
				expect(tracing.current).toBe(inner);
				throw new Error("an observer");
			}),
		).toThrow("an observer");
		expect(tracing.current).toBe(outer);
	});
	expect(tracing.current).toBeUndefined();
	outer?.finish();
	expect(errors).toEqual(["the listener for spans failed"]);
});

test("spans in OTLP's JSON: identifiers in hexadecimal, times as text in nanoseconds, values by their type", () => {
	const span: Span = {
		context: { traceId, spanId },
		parentSpanId: undefined,
		name: "edit",
		kind: 2,
		startMs: 1.5,
		endMs: 2,
		attributes: { text: "a", whole: 3, part: 0.5, yes: true },
		error: "failed",
	};
	expect(JSON.parse(otlpRequest([span], { "service.name": "indelible" }, 1_700_000_000_000))).toEqual({
		resourceSpans: [
			{
				resource: { attributes: [{ key: "service.name", value: { stringValue: "indelible" } }] },
				scopeSpans: [
					{
						scope: { name: "indelible" },
						spans: [
							{
								traceId,
								spanId,
								name: "edit",
								kind: 2,
								startTimeUnixNano: "1700000000001500000",
								endTimeUnixNano: "1700000000002000000",
								attributes: [
									{ key: "text", value: { stringValue: "a" } },
									{ key: "whole", value: { intValue: "3" } },
									{ key: "part", value: { doubleValue: 0.5 } },
									{ key: "yes", value: { boolValue: true } },
								],
								status: { code: 2, message: "failed" },
							},
						],
					},
				],
			},
		],
	});
});

test("[CLU5] a trace's name follows what other nodes read of a frame, and is there only when it is traced", () => {
	const writer = new FrameWriter(nodeIdentifier("a"));
	const receipt = { stay: 1, sequence: 2, durable: 1 };
	const update = Uint8Array.of(1, 2, 3);
	const plain = writer.update("page", update, receipt);
	const traced = writer.update("page", update, receipt, { traceId, spanId });
	expect(traced.subarray(0, plain.byteLength)).toEqual(plain);
	expect(traced.byteLength - plain.byteLength).toBe(24);
	expect(decodeFrame(plain).message).toEqual({ type: "update", update, receipt, trace: undefined });
	expect(decodeFrame(traced).message).toMatchObject({ trace: { traceId, spanId }, receipt });
});

test.for([
	["api-key=secret", { "api-key": "secret" }],
	[" a = b , c=d=e ", { a: "b", c: "d=e" }],
	["a", undefined],
	["=b", undefined],
	["a=", undefined],
	["a b=c", undefined],
	["a=b\r\nc", undefined],
] as const)("headers %j", ([written, expected]) => {
	expect(readHeaders(written)).toEqual(expected);
});
