import type { Random } from "../random.ts";

const upgrade =
	"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

function get(path: string, headers = ""): string {
	return `GET ${path} HTTP/1.1\r\nHost: node\r\n${headers}\r\n`;
}

function post(path: string, body: string | Buffer, headers = ""): Buffer {
	const head = `POST ${path} HTTP/1.1\r\nHost: node\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n`;
	return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

const bearer = "Authorization: Bearer ";

/** Requests that a browser would not make, to every route that a node has. @param token The operators'. */
export function oddRequests(token: string): readonly Buffer[] {
	const signedIn = `${bearer}${token}\r\n`;
	const paths = [
		"/",
		"/healthz",
		"/readyz",
		"/metrics",
		"/d/doc",
		"/assets/x.js",
		"/admin",
		"/admin/",
		"/api/auth/revoke",
		"/api/admin/overview",
		"/api/admin/documents",
		"/api/admin/document?name=x",
		"/api/admin/slow-readers?limit=-1",
		"/api/admin/events",
		"/api/documents?limit=-1&after=%ff",
		"/api/documents/%ff%00",
		"/api/documents/x/free",
		"/nothing",
	];
	const methods = [
		"HEAD",
		"OPTIONS",
		"PUT",
		"DELETE",
		"PATCH",
		"TRACE",
		"CONNECT",
		"PROPFIND",
		"M-SEARCH",
		"BREW",
		"get",
		"",
	];
	const oddPaths = [
		"//",
		"/..",
		"/../../etc/passwd",
		"/%2e%2e/%2e%2e/etc/passwd",
		"/..%2f..%2fetc/passwd",
		"/assets/..%5c..%5cx",
		"/%00",
		"/d/%00",
		"/d/%ff%fe",
		"/d/%",
		"/d/%zz",
		"/admin/../metrics",
		"/admin/%2e%2e/",
		"/API/ADMIN",
		"/api//admin/overview",
		"/api/admin/document?name=%ff",
		"/api/admin/document?name=%00&measure=1",
		"/api/admin/document?name=__proto__&measure=1",
		"/api/admin/slow-readers?limit=1e9",
		"/api/admin/documents?sort=__proto__",
		"/?%ff",
		"/?a=%",
		"/d/🙂",
		"*",
		"http://other/metrics",
		"http://",
		"http://[",
		"/\\..\\",
		`/d/${"x".repeat(7_000)}`,
		`/${"a/".repeat(3_000)}`,
		`/?${"a=b&".repeat(1_500)}`,
		"/metrics?x=__proto__",
		"/healthz#x",
		"/ /",
		"\u0000",
	];
	const headers = [
		"Range: bytes=0-",
		"Range: bytes=-1",
		"Range: bytes=5-1",
		"Range: bytes=0-0,1-1,2-2",
		"Range: bytes=99999999999999999999-",
		"Range: x",
		"If-None-Match: *",
		'If-None-Match: "',
		"If-Modified-Since: never",
		"If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT",
		"Accept-Encoding: br;q=x, gzip;q=9999, *;q=0",
		"Accept: ,,,;q",
		"Accept-Language: \xff",
		"Cookie: a=b; __proto__=x; =; ;;",
		"Authorization: Bearer",
		"Authorization: Basic !!!",
		`Authorization: Bearer ${"x".repeat(5_000)}`,
		"Authorization: \xff",
		"Origin: null",
		"Origin: http://[",
		"Host: other",
		"X-Forwarded-For: ,,,",
		"X-Forwarded-For: not an address",
		`X-Forwarded-For: ${"1.1.1.1,".repeat(500)}`,
		'X-Forwarded-Proto: "',
		'Forwarded: for="',
		"Traceparent: 00-0-0-0",
		`X: ${"y".repeat(20_000)}`,
		"Expect: 100-continue",
		"Expect: x",
		"Transfer-Encoding: chunked",
		"Transfer-Encoding: x, chunked",
		"Content-Length: -1",
		"Content-Length: 5\r\nContent-Length: 6",
		"Content-Length: 99999999999999999999",
		"Connection: close, keep-alive, x",
		"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings",
		"Upgrade: websocket\r\nConnection: Upgrade",
		"__proto__: x",
		"constructor: x",
		": x",
		" x: y",
	];
	const bodies: readonly (string | Buffer)[] = [
		"",
		"{",
		"null",
		"5",
		"[]",
		'"',
		'{"user":null}',
		'{"user":{}}',
		'{"user":"","document":5}',
		'{"__proto__":{"user":"x"}}',
		'{"user":"x","user":"y"}',
		"[".repeat(50_000),
		`{"a":`.repeat(20_000),
		`{"user":"${"x".repeat(200_000)}"}`,
		Buffer.from([0xff, 0xfe, 0, 0x80]),
		Buffer.alloc(300_000, "x"),
		'{"user":"\\ud800"}',
		'{"until":1e999,"user":"x"}',
	];
	return [
		...paths.flatMap((path) => [
			get(path),
			...methods.map((method) => `${method} ${path} HTTP/1.1\r\nHost: node\r\n\r\n`),
		]),
		...oddPaths.flatMap((path) => [get(path), get(path, upgrade), get(path, signedIn)]),
		...paths.flatMap((path) => headers.map((header) => get(path, `${header}\r\n`))),
		...headers.map((header) => get("/", `${upgrade}${header}\r\n`)),
		...[
			"/api/auth/revoke",
			"/api/admin/drain",
			"/api/admin/close-connection",
			"/api/admin/unload",
			"/healthz",
			"/",
		].flatMap((path) =>
			bodies.flatMap((body) => [
				post(path, body),
				post(path, body, signedIn),
				post(path, body, `${signedIn}Content-Encoding: gzip\r\n`),
			]),
		),
		"\r\n\r\n\r\n",
		"GET",
		"GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/0.9\r\n\r\n",
		"GET / HTTP/2.0\r\nHost: node\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"POST / HTTP/1.1\r\nHost: node\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"POST / HTTP/1.1\r\nHost: node\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
		"POST / HTTP/1.1\r\nHost: node\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n",
		get("/healthz").repeat(50),
		`${get("/healthz")}${get("/", upgrade)}${get("/healthz")}`,
		`${get("/", upgrade)}\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0`,
		`${get("/", upgrade)}\x01\x00\x00\x00\x00\x00`,
	].map((request) => (typeof request === "string" ? Buffer.from(request, "latin1") : request));
}

/** One of them with some bytes that are others. */
export function mutatedRequest(random: Random, requests: readonly Buffer[]): Buffer {
	const request = Buffer.from(random.pick(requests).subarray(0, 4_000));
	for (let changes = 1 + random.below(5); changes > 0; changes -= 1)
		request[random.below(request.length)] = random.below(256);
	if (!random.chance(0.3)) return request;
	const other = random.pick(requests).subarray(0, 4_000);
	return Buffer.concat([
		request.subarray(0, random.below(request.length)),
		other.subarray(random.below(other.length)),
	]);
}
