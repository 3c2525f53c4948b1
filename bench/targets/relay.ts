/**
 * What the parts cost when nothing is made of them: a WebSocket server that passes each edit on to the others, publishes it
 * through Redis once and inserts it into Postgres once, and then acknowledges it. No Yjs, no Hocuspocus, no guarantee: who
 * joins gets nothing, and what gets lost stays lost. As one of several nodes only. Argument: {@link TargetSettings}.
 */
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { Redis } from "ioredis";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { Pool } from "pg";
import { type WebSocket, WebSocketServer } from "ws";
import { serveBench, targetSettings } from "./protocol.ts";

const type = { sync: 0, auth: 2, syncStatus: 8 } as const;
const sync = { step1: 0, step2: 1, update: 2 } as const;
const authenticated = 2;
const insert = { name: "insert", text: "INSERT INTO relayed (name, data) VALUES ($1, $2)" };

const { shared } = targetSettings();
if (shared === undefined) throw new Error("a relay needs Redis and Postgres");
const pool = new Pool({ connectionString: shared.databaseUrl, max: 1 });
await pool.query("CREATE TABLE IF NOT EXISTS relayed (id bigserial PRIMARY KEY, name text, data bytea)");
const publisher = new Redis(shared.redisUrl);
const subscriber = new Redis(shared.redisUrl);
/** Begins what this node publishes, so that it knows its own again. */
const ownName = randomBytes(8);
const rooms = new Map<string, Set<WebSocket>>();

subscriber.on("messageBuffer", (channel: Buffer, message: Buffer) => {
	if (message.subarray(0, ownName.byteLength).equals(ownName)) return;
	for (const socket of rooms.get(channel.toString()) ?? []) socket.send(message.subarray(ownName.byteLength));
});

const httpServer = createServer();
new WebSocketServer({ server: httpServer, perMessageDeflate: false }).on("connection", (socket) => {
	socket.on("message", (data: Buffer) => {
		const decoder = decoding.createDecoder(data);
		const documentName = decoding.readVarString(decoder);
		const kind = decoding.readVarUint(decoder);
		// Ends the process when it fails, which the bench notices.
		if (kind === type.auth) void enter(socket, documentName);
		else if (kind === type.sync) void receive({ socket, documentName, data }, decoding.readVarUint(decoder));
	});
});
httpServer.listen(0, "127.0.0.1", () => {
	const address = httpServer.address();
	if (address === null || typeof address === "string") throw new Error("no port");
	serveBench({
		port: address.port,
		totals: () => ({ commits: Number.NaN, documents: Number.NaN }),
		async close() {
			httpServer.closeAllConnections();
			publisher.disconnect();
			subscriber.disconnect();
			await pool.end();
		},
	});
});

async function enter(socket: WebSocket, documentName: string): Promise<void> {
	const known = rooms.get(documentName);
	const room = known ?? new Set();
	rooms.set(documentName, room);
	if (known === undefined) await subscriber.subscribe(documentName);
	room.add(socket);
	socket.on("close", () => room.delete(socket));
	say(socket, documentName, (encoder) => {
		encoding.writeVarUint(encoder, type.auth);
		encoding.writeVarUint(encoder, authenticated);
		encoding.writeVarString(encoder, "read-write");
	});
}

interface Received {
	readonly socket: WebSocket;
	readonly documentName: string;
	/** The frame. */
	readonly data: Buffer;
}

async function receive({ socket, documentName, data }: Received, kind: number): Promise<void> {
	if (kind === sync.step1) {
		saySync(socket, documentName, sync.step2, new Uint8Array([0, 0]));
		saySync(socket, documentName, sync.step1, new Uint8Array([0]));
		return;
	}
	if (kind === sync.update) {
		for (const other of rooms.get(documentName) ?? []) if (other !== socket) other.send(data);
		const published = publisher.publish(documentName, Buffer.concat([ownName, data]));
		await pool.query(insert, [documentName, data]);
		await published;
	}
	say(socket, documentName, (encoder) => {
		encoding.writeVarUint(encoder, type.syncStatus);
		encoding.writeVarInt(encoder, 1);
	});
}

function saySync(socket: WebSocket, documentName: string, kind: number, payload: Uint8Array): void {
	say(socket, documentName, (encoder) => {
		encoding.writeVarUint(encoder, type.sync);
		encoding.writeVarUint(encoder, kind);
		encoding.writeVarUint8Array(encoder, payload);
	});
}

function say(socket: WebSocket, documentName: string, write: (encoder: encoding.Encoder) => void): void {
	socket.send(
		encoding.encode((encoder) => {
			encoding.writeVarString(encoder, documentName);
			write(encoder);
		}),
	);
}
