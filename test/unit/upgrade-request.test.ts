import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { duplexPair } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, onTestFinished, test } from "vitest";
import { readWebSocketRequest } from "../../server/transport/upgrade-request.ts";
import { Random, testSeed } from "../support/random.ts";

const rounds = Number(process.env.INDELIBLE_ROUNDS ?? 4_000);
const ends = { remoteAddress: "192.0.2.7", localAddress: "192.0.2.1" };

const firefox = [
	"GET /notes?token=a%20b HTTP/1.1",
	"Host: example.org",
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
	"Accept: */*",
	"Sec-WebSocket-Version: 13",
	"Origin: https://example.org",
	"Sec-WebSocket-Extensions: permessage-deflate",
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
	"Connection: keep-alive, Upgrade",
	"Cookie: a=b; c=d",
	"Upgrade: websocket",
];

function written(lines: readonly string[], lineEnd = "\r\n"): string {
	return `${lines.join(lineEnd)}${lineEnd}${lineEnd}`;
}

test("a browser's request for a WebSocket is read, and what came after it is left", () => {
	const request = readWebSocketRequest(`${written(firefox)}more`, ends);
	expect(request).toMatchObject({ method: "GET", url: "/notes?token=a%20b", socket: ends });
	expect(request?.headers).toMatchObject({ host: "example.org", cookie: "a=b; c=d", upgrade: "websocket" });
	expect(request?.rawHeaders.slice(0, 2)).toEqual(["Host", "example.org"]);
	expect(request?.rawHeaders).toHaveLength(20);
	expect(request?.bytes).toBe(written(firefox).length);
});

test.for([
	["is not all there", written(firefox).slice(0, -1)],
	["asks for a page", written(["GET / HTTP/1.1", "Host: a"])],
	["asks for another protocol", written(firefox).replace("websocket\r\n", "h2c\r\n")],
	["has another method", written(firefox).replace("GET", "POST")],
	["is of another version", written(firefox).replace("HTTP/1.1", "HTTP/1.0")],
	["names a whole URL", written(firefox).replace("/notes", "http://example.org/notes")],
	["names no host", written(firefox).replace(/Host: .*\r\n/, "")],
	["does not say that it is about the connection", written(firefox).replace("keep-alive, Upgrade", "close")],
	["says something twice", written([...firefox, "cookie: e=f"])],
	["has a body", written([...firefox, "Content-Length: 1"])],
	["has a body of unknown length", written([...firefox, "Transfer-Encoding: chunked"])],
	["has lines that end otherwise", written(firefox, "\n")],
	["goes on with a field in the next line", written([...firefox, "X: a", " b"])],
	["has a space before a colon", written([...firefox, "X : a"])],
	["has letters that are not ASCII", written([...firefox, "X: \xe9"])],
	["has a null", written([...firefox, "X: a\0b"])],
	["is very long", written([...firefox, `X: ${"a".repeat(16_000)}`])],
	["has very many fields", written([...firefox, ...Array.from({ length: 64 }, (_, n) => `X${n}: a`)])],
] as const)("[TRN5] a request is left to Node.js' HTTP that %s", ([, text]) => {
	expect(readWebSocketRequest(text, ends)).toBeUndefined();
});

/** Processor time, in ms: nobody else's work counts. */
function cpuMs(work: () => void): number {
	const { user, system } = process.threadCpuUsage();
	work();
	const after = process.threadCpuUsage();
	return (after.user - user + after.system - system) / 1_000;
}

test("[TRN5] what takes long to read is not read longer than anything else", () => {
	const spaces = " ".repeat(15_000);
	const pieces = [
		`X:${spaces}\x01`,
		`X: a${spaces}\x01`,
		`Connection: ,${spaces}\x01`,
		`X: ${"a ".repeat(7_500)}\x01`,
	];
	const read = (text: string) => readWebSocketRequest(text, ends);
	const plain = written([...firefox, `X: ${"a".repeat(15_000)}`]);
	// Compiled, and the fastest of some.
	const timeOf = (text: string) =>
		Math.min(...Array.from({ length: 5 }, () => cpuMs(() => Array.from({ length: 20 }, () => read(text)))));
	const usualMs = timeOf(plain);
	for (const piece of pieces) {
		const text = written([...firefox, piece]);
		expect(read(text)).toBeUndefined();
		// Square, it would be a thousand times as long.
		expect(timeOf(text), JSON.stringify(piece.slice(0, 20))).toBeLessThan(usualMs * 30 + 5);
	}
});

test("[TRN5] whoever keeps a part of a request keeps nothing of what came with it", () => {
	setFlagsFromString("--expose-gc");
	const collect = runInNewContext("gc") as () => void;
	const kept: unknown[] = [];
	const heapBytes = () => {
		collect();
		return process.memoryUsage().heapUsed;
	};
	const before = heapBytes();
	const connections = 200;
	for (let n = 0; n < connections; n += 1) {
		const bytes = Buffer.from(
			`${written([`GET /notes?token=${n}abcdefgh HTTP/1.1`, `Host: ${n}.example.org:1234`, `X-Forwarded-For: 192.0.2.111`, ...firefox.slice(8)])}${"x".repeat(48_000)}`,
		);
		const { url, headers } = readWebSocketRequest(bytes.toString("latin1"), ends) ?? {};
		kept.push(url, headers?.host, headers?.["x-forwarded-for"]);
	}
	expect(kept).not.toContain(undefined);
	expect((heapBytes() - before) / connections).toBeLessThan(4_000);
});

const lines = [
	...firefox,
	"Connection: keep-alive\t ,\tUPGRADE",
	"Connection: upgrade,",
	"Connection: ,upgrade",
	"Connection: upgrade;q=1",
	"Connection: close, upgrade, keep-alive",
	"Connection: upgrade upgrade",
	"Connection:upgrade",
	"Proxy-Connection: close",
	"Proxy-Connection: upgrade",
	"Upgrade: websocket, h2c",
	"Upgrade:",
	"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
	"Host:",
	"Host: a, b",
	"Content-Length:",
	"Transfer-Encoding:",
	"Trailer: a",
	"TE: trailers",
	"Keep-Alive: timeout=5",
	"GET /a?b#c#d?e HTTP/1.1",
	"GET //a//b/../c HTTP/1.1",
	"GET /a HTTP/1.1 ",
	"GET /a  HTTP/1.1",
	"get /a HTTP/1.1",
	"PROXY TCP4 192.0.2.1 192.0.2.2 1 2",
	"",
	"X-Forwarded-For: 192.0.2.1, 192.0.2.2",
	"x-request-id:tight",
	"Empty:",
	"Spaces: \t a\t b \t",
	"__proto__: a",
	"constructor: b",
	"Connection: close",
	"Host: example.com",
	"Upgrade: WebSocket",
	"upgrade: h2c",
	"Content-Length: 0",
	"Content-Length: 3",
	"Transfer-Encoding: chunked",
	"Expect: 100-continue",
	"Set-Cookie: a=b",
	"POST / HTTP/1.1",
	"GET /%00\u007f HTTP/1.1",
	'GET /"<>^`{|}\\?#a HTTP/1.1',
	"GET * HTTP/1.1",
	" folded",
	"X: \xff",
	"no colon",
	": no name",
	"X: a\rb",
];

/** Mostly as it should be. */
function anyRequest(random: Random): string {
	const chosen = [...firefox];
	for (let changes = random.below(4); changes > 0; changes -= 1) {
		const at = random.below(chosen.length + 1);
		chosen.splice(at, random.below(2), ...(random.chance(0.8) ? [random.pick(lines)] : []));
	}
	let text = `${written(chosen)}${random.chance(0.2) ? "what follows\r\n\r\n" : ""}`;
	for (let changes = random.chance(0.5) ? random.below(3) : 0; changes > 0; changes -= 1) {
		const at = random.below(text.length);
		const put = random.pick([
			"",
			" ",
			"\t",
			"\r",
			"\n",
			"\r\n",
			":",
			",",
			"a",
			"\0",
			"#",
			"\x7f",
			"\x80",
			"é",
			String.fromCharCode(random.below(256)),
		]);
		text = text.slice(0, at) + put + text.slice(at + random.below(3));
	}
	return text;
}

interface Upgrade {
	readonly request: IncomingMessage;
	readonly head: string;
}

/** What Node.js' HTTP makes of a request. */
async function upgradeOf(text: string): Promise<Upgrade | undefined> {
	const server = createServer((_request, response) => response.end());
	const [client, connection] = duplexPair();
	onTestFinished(() => void connection.destroy());
	const upgraded = new Promise<Upgrade | undefined>((resolve) => {
		server.on("upgrade", (request: IncomingMessage, _socket, head: Buffer) =>
			resolve({ request, head: head.toString("latin1") }),
		);
		server.on("request", () => resolve(undefined));
		server.on("clientError", () => resolve(undefined));
		void once(connection, "close").then(() => resolve(undefined));
	});
	server.emit("connection", connection);
	client.on("error", () => {});
	client.resume();
	client.end(Buffer.from(text, "latin1"));
	return upgraded;
}

test("[TRN5] what is read is what Node.js' HTTP reads, whatever comes", async () => {
	const random = new Random(testSeed("upgrade requests"));
	let read = 0;
	for (let round = 0; round < rounds; round += 1) {
		const text = anyRequest(random);
		const ours = readWebSocketRequest(text, ends);
		if (ours === undefined) continue;
		read += 1;
		const theirs = await upgradeOf(text);
		const { method, url, headers, rawHeaders } = theirs?.request ?? {};
		expect(
			{ method, url, headers: { ...headers }, rawHeaders, head: theirs?.head },
			JSON.stringify(text),
		).toEqual({
			method: ours.method,
			url: ours.url,
			headers: { ...ours.headers },
			rawHeaders: ours.rawHeaders,
			head: text.slice(ours.bytes),
		});
	}
	// Neither all nor nothing.
	expect(read).toBeGreaterThan(rounds / 10);
	expect(read).toBeLessThan((rounds * 9) / 10);
});
