import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { pino } from "pino";
import { expect, onTestFinished, test, vi } from "vitest";
import { createTlsServer, takeTlsFiles } from "../../server/tls.ts";
import { makeCertificates } from "../support/certificates.ts";
import { openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startNodeProcess } from "../support/node-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

// The node's patience is a quarter of a minute, and it looks every few seconds.
vi.setConfig({ testTimeout: 90_000 });

const silent = pino({ level: "silent" });

/** A TCP connection that says something, and then a byte now and then. */
interface Dawdler {
	readonly name: string;
	readonly opening: string;
	readonly dribble: string;
}

const upgrade = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
const dawdlers: readonly Dawdler[] = [
	{ name: "says nothing", opening: "", dribble: "" },
	{ name: "says a part of a head and no more", opening: "GET /healthz HTTP/1.1\r\nHost:", dribble: "" },
	{ name: "adds to its head for ever", opening: upgrade, dribble: "X-Slow: 1\r\n" },
	{
		name: "sends its body a byte at a time",
		opening: "POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n",
		dribble: "x",
	},
];

async function dawdle(port: number, { opening, dribble }: Dawdler): Promise<Socket> {
	const socket = connect(port, "127.0.0.1");
	socket.on("error", () => {});
	socket.resume();
	await once(socket, "connect");
	if (opening !== "") socket.write(opening);
	const timer = setInterval(() => dribble !== "" && !socket.destroyed && socket.write(dribble), 500);
	onTestFinished(() => {
		clearInterval(timer);
		socket.destroy();
	});
	return socket;
}

test("[TRN5] whoever does not come to the end of a request is cut off, by ten of each kind, and others are served", async () => {
	const node = await startNodeProcess({ data: temporaryFolder() });
	onTestFinished(async () => void (await node.stop("SIGKILL")));
	const client = openClient({ url: node.url, name: "doc" });
	onTestFinished(() => client.destroy());
	await client.synced();
	const many = dawdlers.flatMap((dawdler) => Array.from({ length: 10 }, () => dawdler));
	const sockets = await Promise.all(many.map((dawdler) => dawdle(node.port, dawdler)));
	const served = await fetch(`http://127.0.0.1:${node.port}/healthz`);
	expect(served.status).toBe(200);
	await client.type("meanwhile").saved();
	await eventually("all of them to be cut off", () => sockets.every(({ destroyed }) => destroyed), 60_000);
	await client.type(" and after").saved();
	expect(client.closes).toEqual([]);
});

test("[TRN5] whoever does not come to the end of TLS' handshake is cut off", async () => {
	const { certificate, key } = makeCertificates();
	const tls = takeTlsFiles(certificate, key);
	if (tls === undefined) throw new Error("there are files");
	const server = createTlsServer(tls, (_request, response) => void response.end(), silent);
	onTestFinished(() => void server.close());
	await once(server.listen(0, "127.0.0.1"), "listening");
	const { port } = server.address() as AddressInfo;
	// A record of a handshake, as long as may be, of which no more comes.
	const hello = "\x16\x03\x01\x02\x00\x01";
	const sockets = await Promise.all(
		["", hello].flatMap((opening) =>
			Array.from({ length: 5 }, () => dawdle(port, { name: "TLS", opening, dribble: "" })),
		),
	);
	await eventually("all of them to be cut off", () => sockets.every(({ destroyed }) => destroyed), 60_000);
});

test("[TRN5] a head that is too large is refused", async () => {
	const node = await startNodeProcess({ data: temporaryFolder() });
	onTestFinished(async () => void (await node.stop("SIGKILL")));
	const socket = connect(node.port, "127.0.0.1");
	socket.on("error", () => {});
	let answer = "";
	socket.on("data", (chunk) => (answer += chunk.toString()));
	socket.write(`${upgrade}X-Large: ${"x".repeat(20_000)}\r\n\r\n`);
	await eventually("the connection to be closed", () => socket.destroyed);
	expect(answer).toMatch(/^HTTP\/1\.1 431 /);
});
