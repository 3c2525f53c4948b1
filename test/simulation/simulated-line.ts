import type { Hocuspocus, WebSocketLike } from "@hocuspocus/server";
import { Pipe } from "./pipe.ts";
import type { Line, SimulatedClient } from "./simulated-client.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

const open = 1;
const closed = 3;

export interface LineOptions {
	readonly client: SimulatedClient;
	readonly hocuspocus: Hocuspocus;
	readonly process: SimulatedProcess;
	/** How long a frame is on its way; without it, frames arrive when the test says so. */
	readonly delayMs?: (() => number) | undefined;
}

/** Both ends of a client's connection, and the frames between them. */
export class SimulatedLine implements Line, WebSocketLike {
	readonly toServer: Pipe<Uint8Array>;
	readonly toClient: Pipe<Uint8Array>;
	readyState = open;
	readonly #client: SimulatedClient;
	readonly #process: SimulatedProcess;
	#connection: ReturnType<Hocuspocus["handleConnection"]> | undefined;

	constructor({ client, hocuspocus, process, delayMs }: LineOptions) {
		this.#client = client;
		this.#process = process;
		this.toServer = new Pipe(
			(frame) => process.receive(() => this.#connection?.handleMessage(frame)),
			delayMs,
		);
		this.toClient = new Pipe((frame) => {
			if (client.line === this) client.receive(frame);
		}, delayMs);
		process.receive(() => {
			this.#connection = hocuspocus.handleConnection(this, new Request("http://localhost/"));
			clearInterval(this.#connection.pingInterval);
		});
	}

	send(frame: string | ArrayBufferLike | Blob | ArrayBufferView): void {
		if (this.readyState === open) this.toClient.push(frame as Uint8Array);
	}

	/** The server hangs up. */
	close(): void {
		this.#end();
	}

	hangUp(): void {
		this.#end();
	}

	/** The server's machine is gone. */
	cut(): void {
		this.readyState = closed;
		this.toServer.close();
		this.toClient.close();
		if (this.#client.line === this) this.#client.disconnected();
	}

	/** The client's machine is gone, or its network, and the server learns of it later: call {@link hangUp} then. */
	fallSilent(): void {
		this.toServer.close();
		this.toClient.close();
		if (this.#client.line === this) this.#client.disconnected();
	}

	#end(): void {
		if (this.readyState === closed) return;
		this.cut();
		this.#process.receive(() => this.#connection?.handleClose({ code: 1006, reason: "" }));
	}
}
