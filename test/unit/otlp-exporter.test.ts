import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { OtlpExporter } from "../../extensions/tracing/otlp-exporter.ts";
import type { Span } from "../../extensions/tracing/span.ts";
import { resolveNodeSettings } from "../../server/settings.ts";
import { eventually } from "../support/eventually.ts";
import { ManualClock } from "../support/manual-clock.ts";

const span: Span = {
	context: { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" },
	parentSpanId: undefined,
	name: "edit",
	kind: 2,
	startMs: 0,
	endMs: 1,
	attributes: {},
	error: undefined,
};
const spans = (count: number) => new Array<Span>(count).fill(span);

async function startReceiver(listener: RequestListener): Promise<string> {
	const server = createServer(listener).listen(0, "127.0.0.1");
	await once(server, "listening");
	onTestFinished(() => {
		server.close();
		server.closeAllConnections();
	});
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function exportTo(url: string) {
	const clock = new ManualClock();
	const warnings: object[] = [];
	const logger = { debug() {}, info() {}, warn: (fields: object) => warnings.push(fields), error() {} };
	const exporter = new OtlpExporter({ url, headers: {}, resource: {}, clock, logger });
	return { clock, warnings, exporter };
}

test("what is more than a request is sent as fast as the receiver takes it", async () => {
	let requests = 0;
	const url = await startReceiver((request, response) => {
		requests += 1;
		request.resume().once("end", () => response.end("{}"));
	});
	const { clock, exporter } = exportTo(url);
	exporter.add(spans(100));
	exporter.add(spans(2_900));
	// The last ones are fewer than a request, and wait for more.
	await eventually("five full requests to be taken", async () => {
		await clock.pass(0);
		return exporter.sent === 5 * 512;
	});
	await clock.pass(1_000);
	await eventually("the rest", () => exporter.sent === 3_000);
	expect(requests).toBe(6);
	expect(exporter.dropped).toBe(0);
});

test("an answer without an end is not read to its end", async () => {
	const ended = Promise.withResolvers<void>();
	const url = await startReceiver((_request, response) => {
		const write = () => {
			while (!response.destroyed && response.write(Buffer.alloc(65_536)));
		};
		response.on("drain", write).once("close", ended.resolve);
		write();
	});
	const { clock, exporter } = exportTo(url);
	exporter.add(spans(1));
	await clock.pass(1_000);
	await eventually("it to count as taken", () => exporter.sent === 1);
	await ended.promise;
});

test("a receiver that does not answer costs the memory of some thousand spans, and whatever else there is is counted", async () => {
	const url = await startReceiver(() => {});
	const { clock, exporter } = exportTo(url);
	for (let round = 0; round < 10; round += 1) {
		exporter.add(spans(1_000));
		await clock.pass(1_000);
	}
	// A request of 512 is on its way, and after 4,096 nothing fits.
	expect(exporter.dropped).toBeGreaterThanOrEqual(10_000 - 512 - 4_096);
	const closing = exporter.close();
	await clock.pass(1_000);
	await closing;
	expect(exporter.dropped).toBeGreaterThanOrEqual(10_000 - 512);
	expect(exporter.sent).toBe(0);
});

test.for([
	["in seconds", (): string => "120", 120_000],
	["by a date", (): string => new Date(Date.now() + 120_000).toUTCString(), 118_000],
	["for longer than is good", (): string => "86400", 300_000],
	["for less than there is between tries", (): string => "0", 1_000],
	["in a way that nobody understands", (): string => "soon", 1_000],
] as const)("a receiver that wants to be left alone for a while, %s, is", async ([_, retryAfter, waitMs]) => {
	let requests = 0;
	const url = await startReceiver((_request, response) => {
		requests += 1;
		if (requests === 1) response.writeHead(429, { "Retry-After": retryAfter() });
		response.end();
	});
	const { clock, warnings, exporter } = exportTo(url);
	exporter.add(spans(1));
	await clock.pass(1_000);
	await eventually("the refusal", () => warnings.length === 1);
	await clock.pass(waitMs - 1);
	exporter.add(spans(1));
	await clock.pass(0);
	expect(requests).toBe(1);
	// A date has whole seconds.
	await clock.pass(2_001);
	await eventually("both to be taken", () => exporter.sent === 2);
	expect(requests).toBe(2);
});

test.for([
	["", "/v1/traces"],
	["/", "/v1/traces"],
	["/otlp/", "/otlp/v1/traces"],
	["/otlp?tenant=blue", "/otlp/v1/traces?tenant=blue"],
] as const)("the receiver's path for a URL that ends in %j", async ([end, path]) => {
	const paths: unknown[] = [];
	const url = await startReceiver((request, response) => {
		paths.push(request.url);
		response.end();
	});
	const { clock, exporter } = exportTo(url + end);
	exporter.add(spans(1));
	await clock.pass(1_000);
	await eventually("it to arrive", () => exporter.sent === 1);
	expect(paths).toEqual([path]);
});

test("a password in the URL is refused before it can get into the log, and the refusal does not repeat it", () => {
	const otlpUrl = "https://somebody:s3cret@collector:4318";
	for (const use of [() => exportTo(otlpUrl), () => resolveNodeSettings({ otlpUrl })]) {
		expect(use).toThrow();
		try {
			use();
		} catch (error) {
			expect(String(error)).not.toContain("s3cret");
		}
	}
});
