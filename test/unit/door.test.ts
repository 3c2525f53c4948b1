import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import {
	createServer,
	type IncomingMessage,
	type RequestListener,
	type Server,
	type ServerOptions,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, BlockList, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { expect, onTestFinished, test, vi } from "vitest";
import type { ClientStream } from "../../server/transport/client-stream.ts";
import { type Door, openDoor } from "../../server/transport/door.ts";
import type { Doorstep } from "../../server/transport/doorstep.ts";
import type { TcpHandle } from "../../server/transport/tcp-handle.ts";
import { eventually } from "../support/eventually.ts";

const { TCP: TcpHandles } = (
	process as unknown as { binding: (name: string) => { TCP: { prototype: TcpHandle } } }
).binding("tcp_wrap");
const question =
	"GET /there HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/** Somebody who came by the door. */
interface Guest {
	readonly url: string | undefined;
	readonly doorstep: Doorstep;
	readonly head: Buffer;
}

interface House {
	readonly server: Server;
	readonly door: Door;
	readonly port: number;
	readonly guests: Guest[];
	/** What else Node.js' HTTP has said of somebody. */
	readonly upgrades: string[];
	/** Somebody connects, says this, and may be waited for. */
	visit(said?: string): Promise<Visit>;
	connections(): Promise<number>;
}

interface Visit {
	readonly socket: Socket;
	readonly received: () => string;
	readonly isOver: () => boolean;
}

interface HouseOptions extends ServerOptions {
	readonly isOpen?: () => boolean;
	readonly listener?: RequestListener;
	/** Before anybody comes. */
	readonly prepare?: (server: Server) => void;
}

const greet: RequestListener = (request, response) => {
	void text(request).then((body) => response.end(`${request.method} ${request.url} ${body}`));
};

async function build({
	isOpen = () => true,
	listener = greet,
	prepare,
	...options
}: HouseOptions = {}): Promise<House> {
	const server = createServer(options, listener);
	const upgrades: string[] = [];
	const upgrade = ({ url }: IncomingMessage, socket: Duplex, head: Buffer) => {
		upgrades.push(`${url} ${head}`);
		socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n");
	};
	server.on("upgrade", upgrade);
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const guests: Guest[] = [];
	const door = openDoor(server, {
		isOpen,
		upgrade,
		welcome: ({ url }, doorstep, head) => guests.push({ url, doorstep, head }),
	});
	if (door === undefined) throw new Error("there is no door here");
	prepare?.(server);
	const { port } = server.address() as AddressInfo;
	onTestFinished(() => {
		door.close();
		for (const { doorstep } of guests) doorstep.destroy();
		server.close();
		server.closeAllConnections();
	});
	const visit = async (said?: string): Promise<Visit> => {
		const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
		onTestFinished(() => void socket.destroy());
		const chunks: Buffer[] = [];
		let isOver = false;
		socket.on("data", (chunk: Buffer) => chunks.push(chunk));
		socket.on("error", () => {});
		for (const end of ["end", "close"])
			socket.on(end, () => {
				isOver = true;
			});
		await once(socket, "connect");
		if (said !== undefined) socket.write(said);
		return { socket, received: () => Buffer.concat(chunks).toString(), isOver: () => isOver };
	};
	return {
		server,
		door,
		port,
		guests,
		upgrades,
		visit,
		connections: promisify(server.getConnections.bind(server)),
	};
}

async function firstGuest({ guests }: House): Promise<Guest> {
	return eventually("somebody to be let in", () => guests[0]);
}

/** A WebSocket's stream, and what has happened to it. */
function takeIn({ doorstep, head }: Guest): { readonly stream: ClientStream; readonly events: string[] } {
	const stream = doorstep.take(head);
	const events: string[] = [];
	stream.handlers = {
		read: (chunk) => events.push(`read ${chunk}`),
		ended: () => events.push("ended"),
		gone: () => events.push("gone"),
	};
	return { stream, events };
}

test("whoever asks for a WebSocket comes by the door, with what they have sent, and is talked to", async () => {
	const house = await build();
	const { socket, received } = await house.visit(`${question}hello`);
	const guest = await firstGuest(house);
	expect(guest.url).toBe("/there");
	expect(guest.doorstep).toMatchObject({
		remoteAddress: "127.0.0.1",
		localAddress: "127.0.0.1",
		destroyed: false,
	});
	const { stream, events } = takeIn(guest);
	stream.write(Buffer.from("welcome"));
	await eventually("the answer", () => received() === "welcome");
	await eventually("what came with the request", () => events.join() === "read hello");
	socket.write("more");
	await eventually("what came after it", () => events.join() === "read hello,read more");
	socket.end();
	await eventually("the end", () => events.includes("ended"));
	stream.end();
	await eventually("the end of both", () => events.includes("gone"));
	expect(house.upgrades).toEqual([]);
});

test.for<[string, readonly string[], RegExp]>([
	["a request", ["GET /a HTTP/1.1\r\nHost: a\r\n\r\n"], /200 OK.*GET \/a $/s],
	[
		"two requests after one another",
		["GET /a HTTP/1.1\r\nHost: a\r\n\r\n", "GET /b HTTP/1.1\r\nHost: a\r\n\r\n"],
		/GET \/a .*GET \/b $/s,
	],
	[
		"two requests at once",
		["GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n"],
		/GET \/a .*GET \/b $/s,
	],
	[
		"a body in parts",
		["POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\none", "two", "six"],
		/POST \/a onetwosix$/,
	],
	["a request in bytes", [..."GET /a HTTP/1.1\r\nHost: a\r\n\r\n"], /GET \/a $/],
	["a WebSocket in bytes", [...question], /101 Switching/],
	[
		"a page, and then a WebSocket",
		["GET /a HTTP/1.1\r\nHost: a\r\n\r\n", question],
		/GET \/a .*101 Switching/s,
	],
	["no HTTP", ["hello?\r\n\r\n"], /400 Bad Request/],
	["a head without end", [`GET /a HTTP/1.1\r\nX: ${"a".repeat(20_000)}`], /431 /],
	[
		"what is to be gone on with",
		["POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", "1"],
		/100 Continue.*POST \/a 1$/s,
	],
])("[TRN5] %s is Node.js' HTTP's, as if nobody had looked", async ([, pieces, answer]) => {
	const house = await build();
	const { socket, received } = await house.visit();
	for (const piece of pieces) {
		const before = received().length;
		socket.write(piece);
		// A whole request is answered before there is another; and what is none gets into packets of its own.
		if (piece.endsWith("\r\n\r\n")) await eventually("an answer", () => received().length > before);
		else await promisify(setImmediate)();
	}
	await eventually("the answer", () => answer.test(received()));
	expect(house.guests).toEqual([]);
});

test("[TRN5] whoever connects and says nothing gets as long as anybody, and no longer", async () => {
	const house = await build({ headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 50 });
	const silent = await house.visit();
	const leaving = await house.visit();
	const resetting = await house.visit();
	await eventually("all to be counted", async () => (await house.connections()) === 3);
	leaving.socket.end();
	resetting.socket.resetAndDestroy();
	await eventually("who is gone to be counted out", async () => (await house.connections()) === 1);
	expect(leaving.received()).toBe("");
	await eventually("the other to be cut off", silent.isOver);
	expect(silent.received()).toContain("408 Request Timeout");
	await eventually("nobody to be there", async () => (await house.connections()) === 0);
});

test("whoever asks late for a WebSocket gets it", async () => {
	const house = await build();
	const { socket, received } = await house.visit();
	await eventually("it to be waited for", async () => (await house.connections()) === 1);
	// Sooner than it would have been left to Node.js' HTTP.
	house.door.close();
	socket.write(question);
	await eventually("the answer", () => received().includes("101"));
	expect(house.upgrades).toEqual(["/there "]);
	expect(house.guests).toEqual([]);
});

const others: Record<string, HouseOptions> = {
	"has put their own in place of who is told of connections": {
		prepare: (server) => {
			const [listener] = server.listeners("connection");
			server.removeAllListeners("connection");
			server.on("connection", (socket) => listener?.call(server, socket));
		},
	},
	"has put their own in place of who is told of upgrades": {
		prepare: (server) => {
			const [listener] = server.listeners("upgrade");
			server.removeAllListeners("upgrade");
			server.on("upgrade", (...told) => listener?.apply(server, told));
		},
	},
	"lets no head in that is as long": { maxHeaderSize: question.length - 1 },
	"looks at fewer fields": { prepare: (server) => (server.maxHeadersCount = 4) },
	"puts a limit to connections in words": {
		prepare: (server) => Object.assign(server, { maxConnections: "100" }),
	},
	"wants to know of each connection": { prepare: (server) => server.on("connection", () => {}) },
	"wants to know of each upgrade": { prepare: (server) => server.on("upgrade", () => {}) },
	"puts a limit to connections": { prepare: (server) => (server.maxConnections = 100) },
	"keeps somebody out": {
		prepare: (server) => Object.assign(server, { blockList: new BlockList() }),
	},
	"traces what a server tells": {
		prepare: (server) => {
			const emit = server.emit.bind(server);
			server.emit = (...told: Parameters<typeof emit>) => emit(...told);
		},
	},
	"listens to all connections of the process": {
		prepare: () => {
			const listen = () => {};
			subscribe("net.server.socket", listen);
			onTestFinished(() => void unsubscribe("net.server.socket", listen));
		},
	},
	"has to be asked": { isOpen: () => false },
	"takes no WebSockets": { shouldUpgradeCallback: () => false },
	"can't tell whether it takes WebSockets": {
		shouldUpgradeCallback: (request) => request.complete || request.socket.writableLength === 0,
	},
};

test.for(Object.entries(others))("where somebody else %s, the door is closed", async ([, options]) => {
	const house = await build(options);
	const { received } = await house.visit(question);
	await eventually("an answer of Node.js' HTTP", () => received().startsWith("HTTP/1.1"));
	expect(house.guests).toEqual([]);
});

test("a server counts who came by the door until they are gone, and is closed then", async () => {
	const house = await build();
	const visits = [];
	for (const said of [undefined, question, question, question]) visits.push(await house.visit(said));
	await eventually("three to be let in", () => house.guests.length === 3);
	expect(await house.connections()).toBe(4);
	const [first, second, third] = house.guests;
	if (first === undefined || second === undefined || third === undefined) throw new Error("there are three");
	let isClosed = false;
	house.server.close(() => {
		isClosed = true;
	});
	visits[0]?.socket.destroy();
	first.doorstep.destroy();
	second.doorstep.end("HTTP/1.1 403 Forbidden\r\n\r\n");
	const { stream } = takeIn(third);
	await eventually("all but one to be gone", async () => (await house.connections()) === 1);
	expect(isClosed).toBe(false);
	stream.destroy();
	stream.destroy();
	await eventually("the server to be closed", () => isClosed);
	expect(await house.connections()).toBe(0);
});

test("a server that was closed waits for nobody who has said nothing", async () => {
	for (const isDoorClosed of [false, true]) {
		const house = await build();
		const { isOver } = await house.visit();
		await eventually("it to be waited for", async () => (await house.connections()) === 1);
		let isClosed = false;
		house.server.close(() => {
			isClosed = true;
		});
		house.server.closeAllConnections();
		// As when the node is closed after its server.
		if (isDoorClosed) house.door.close();
		await eventually("the server to be closed", () => isClosed);
		await eventually("the other side to be told", isOver);
	}
});

test("a WebSocket has what it says sent at once, whatever the server does with pages", async () => {
	const setNoDelay = vi.spyOn(TcpHandles.prototype, "setNoDelay");
	onTestFinished(() => setNoDelay.mockRestore());
	const house = await build({ noDelay: false });
	const page = await house.visit("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
	await eventually("an answer", () => page.received().includes("200 OK"));
	expect(setNoDelay).not.toHaveBeenCalled();
	await house.visit(question);
	await firstGuest(house);
	expect(setNoDelay).toHaveBeenCalledWith(true);
});

test("whoever is turned away reads why, and whoever waits for the end is told once", async () => {
	for (const end of ["turned away", "destroyed", "taken in and gone"] as const) {
		const house = await build();
		const { socket, received, isOver } = await house.visit(question);
		const guest = await firstGuest(house);
		const { doorstep } = guest;
		let closed = 0;
		doorstep.once("close", () => (closed += 1));
		doorstep.on("close", () => (closed += 10));
		if (end === "turned away") {
			doorstep.end("HTTP/1.1 403 Forbidden\r\n\r\n").end("and this is too late");
		} else if (end === "destroyed") doorstep.destroy().destroy().end("too late");
		else {
			takeIn(guest);
			socket.resetAndDestroy();
		}
		await eventually(`the end: ${end}`, () => closed > 0 && isOver());
		expect(closed, end).toBe(11);
		expect(received(), end).toBe(end === "turned away" ? "HTTP/1.1 403 Forbidden\r\n\r\n" : "");
		expect(await house.connections(), end).toBe(0);
	}
});

test("whoever is gone before they are answered is counted out", async () => {
	const house = await build();
	const { socket } = await house.visit(question);
	const { doorstep } = await firstGuest(house);
	socket.resetAndDestroy();
	await once(socket, "close");
	doorstep.end("HTTP/1.1 403 Forbidden\r\n\r\n");
	await eventually("it to be counted out", async () => (await house.connections()) === 0);
	expect(doorstep).toMatchObject({ destroyed: true, readable: false, remoteAddress: undefined });
});

test("once it is closed, everybody is Node.js' HTTP's", async () => {
	const house = await build();
	house.door.close();
	const { received } = await house.visit(question);
	await eventually("the answer", () => received().includes("101"));
	expect(house.guests).toEqual([]);
	expect(house.upgrades).toEqual(["/there "]);
});

test("a server with TLS has no door, and none that does not listen", () => {
	const options = { isOpen: () => true, upgrade: () => {}, welcome: () => {} };
	expect(openDoor(createTlsServer() as unknown as Server, options)).toBeUndefined();
	expect(openDoor(createServer(), options)).toBeUndefined();
});
