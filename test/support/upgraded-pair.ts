import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { onTestFinished } from "vitest";
import type { ClientStream } from "../../server/transport/client-stream.ts";

/** Both ends of an HTTP connection after an upgrade request. */
export interface UpgradedPair {
	/** The server's. */
	readonly stream: ClientStream;
	/** What has happened to it, in order; what was read after one another is one entry. */
	readonly events: string[];
	/** The client's. Reads nothing until somebody listens. */
	readonly client: Socket;
	readonly server: Server;
}

export type MakeStream = (socket: Duplex, head: Buffer) => ClientStream;

/**
 * @param make Makes the server's stream.
 * @param sent What the client sends in one piece with its request.
 */
export async function upgradedPair(make: MakeStream, sent = ""): Promise<UpgradedPair> {
	const server = createServer();
	const events: string[] = [];
	const made = new Promise<ClientStream>((resolve) => {
		server.on("upgrade", (_request, socket, head) => {
			const stream = make(socket, head);
			stream.handlers = {
				read(chunk) {
					const last = events.at(-1);
					if (last?.startsWith("read ")) events[events.length - 1] = `${last}${chunk}`;
					else events.push(`read ${chunk}`);
				},
				ended: () => events.push("ended"),
				gone: () => events.push("gone"),
			};
			resolve(stream);
		});
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
	client.on("error", () => {});
	client.write(`GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${sent}`);
	const stream = await made;
	onTestFinished(() => {
		client.destroy();
		stream.destroy();
		server.close();
	});
	return { stream, events, client, server };
}
