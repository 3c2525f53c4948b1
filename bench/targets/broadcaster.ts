import { createServer, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { type WebSocket, WebSocketServer } from "ws";
import { serveUnsaved } from "./unsaved.ts";

/**
 * A server that has no documents: it passes on what somebody sends to all others who named the same document. It answers so much
 * of the handshake that a client believes it is in step, and acknowledges each update at once.
 */
export interface Peer {
	send(message: Uint8Array): void;
}

/** How to get a message to all of several. */
export type Broadcast<P extends Peer> = (message: Uint8Array, peers: Iterable<P>) => void;

const type = { sync: 0, presence: 1, auth: 2, syncStatus: 8 } as const;
const sync = { step1: 0, step2: 1 } as const;
const authenticated = 2;
const emptyUpdate = new Uint8Array([0, 0]);
const emptyStateVector = new Uint8Array([0]);

interface Room<P> {
	readonly name: string;
	readonly peers: Set<P>;
	/** It is the same for everybody. */
	readonly acknowledgement: Uint8Array;
}

/** @param makePeer Of a socket that has been upgraded; what it reads comes from `webSocket`. */
export function serveBroadcaster<P extends Peer>(
	makePeer: (socket: Duplex, webSocket: WebSocket) => P,
	broadcast: Broadcast<P>,
): void {
	const rooms = new Map<string, Room<P>>();
	const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
	const httpServer = createServer();
	httpServer.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) =>
		webSockets.handleUpgrade(request, socket, head, (webSocket) => {
			const peer = makePeer(socket, webSocket);
			let room: Room<P> | undefined;
			webSocket.on("message", (data: Buffer) => {
				room ??= enter(rooms, data, peer);
				receive(room, peer, data, broadcast);
			});
			webSocket.on("close", () => room?.peers.delete(peer));
			webSocket.on("error", () => webSocket.terminate());
		}),
	);
	serveUnsaved(httpServer, webSockets);
}

function enter<P extends Peer>(rooms: Map<string, Room<P>>, data: Uint8Array, peer: P): Room<P> {
	const name = decoding.readVarString(decoding.createDecoder(data));
	const room = rooms.get(name) ?? { name, peers: new Set(), acknowledgement: acknowledgementFor(name) };
	rooms.set(name, room);
	room.peers.add(peer);
	return room;
}

function receive<P extends Peer>(room: Room<P>, peer: P, data: Uint8Array, broadcast: Broadcast<P>): void {
	const decoder = decoding.createDecoder(data);
	const nameBytes = decoding.readVarUint(decoder);
	decoder.pos += nameBytes;
	const kind = decoding.readVarUint(decoder);
	if (kind === type.auth) peer.send(authenticationFor(room.name));
	else if (kind === type.presence) broadcast(data, others(room.peers, peer));
	else if (kind === type.sync) {
		const step = decoding.readVarUint(decoder);
		if (step === sync.step1) {
			peer.send(syncMessage(room.name, sync.step2, emptyUpdate));
			peer.send(syncMessage(room.name, sync.step1, emptyStateVector));
			return;
		}
		if (step !== sync.step2) broadcast(data, others(room.peers, peer));
		peer.send(room.acknowledgement);
	}
}

function* others<P>(peers: Iterable<P>, author: P): Generator<P> {
	for (const peer of peers) if (peer !== author) yield peer;
}

function authenticationFor(name: string): Uint8Array {
	return encoding.encode((encoder) => {
		encoding.writeVarString(encoder, name);
		encoding.writeVarUint(encoder, type.auth);
		encoding.writeVarUint(encoder, authenticated);
		encoding.writeVarString(encoder, "read-write");
	});
}

function acknowledgementFor(name: string): Uint8Array {
	return encoding.encode((encoder) => {
		encoding.writeVarString(encoder, name);
		encoding.writeVarUint(encoder, type.syncStatus);
		encoding.writeVarInt(encoder, 1);
	});
}

function syncMessage(name: string, kind: number, payload: Uint8Array): Uint8Array {
	return encoding.encode((encoder) => {
		encoding.writeVarString(encoder, name);
		encoding.writeVarUint(encoder, type.sync);
		encoding.writeVarUint(encoder, kind);
		encoding.writeVarUint8Array(encoder, payload);
	});
}
