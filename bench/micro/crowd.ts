import { Connection, Document, type Extension, Hocuspocus } from "@hocuspocus/server";
import type { Clock } from "../../extensions/durability/clock.ts";
import { ContentLimits } from "../../extensions/limits/index.ts";
import { addressField } from "../../extensions/sync/bodies.ts";
import { type PacedSocket, type Route, Sync } from "../../extensions/sync/index.ts";

/** A client's socket without a client: it keeps what is written, or just counts it. */
export class SilentSocket implements PacedSocket {
	edits = 0;
	deliveries = 0;
	timesBehind = 0;
	readonly readyState = 1;
	/** Set it to play a client that does not read. */
	bufferedBytes = 0;
	writes = 0;
	/** In order; empty when it only counts. */
	readonly written: Uint8Array[] = [];
	readonly #keeps: boolean;
	#route: Route | undefined;

	constructor({ keeps }: { readonly keeps: boolean }) {
		this.#keeps = keeps;
	}

	send(data: unknown): void {
		this.sendFramed(data as Uint8Array);
	}

	sendFramed(frames: Uint8Array): void {
		this.writes += 1;
		if (this.#keeps) this.written.push(frames);
	}

	route(route: Route): void {
		this.#route = route;
	}

	unroute(): void {
		this.#route = undefined;
	}

	/** The client sends something. */
	receive(message: Uint8Array): void {
		this.#route?.receive(message);
	}

	onceDrained(): () => void {
		return () => {};
	}

	close(): void {}
}

/** A document that many people have open, on sockets that cost nothing. */
export interface Crowd {
	readonly document: Document;
	readonly sockets: readonly SilentSocket[];
}

export interface CrowdOptions {
	readonly people: number;
	/** Flushes come with its turns and timers, or when they are asked for. */
	readonly clock: Clock;
	/** Whether sockets keep what they are given to write. */
	readonly keeps?: boolean;
	/** See `SyncOptions`. */
	readonly flushIntervalMs?: number;
}

/** Says, as `Durability` would, that nothing is stored yet. */
const newStore: Extension & { storedBytes(): number } = { storedBytes: () => 0 };

/** What all their messages begin with. */
export const crowdAddress = addressField("doc");

const request = new Request("http://localhost/");

/** On a Hocuspocus with our sync extension and its limits, and without a store. */
export async function gather({
	people,
	clock,
	keeps = false,
	flushIntervalMs = 0,
}: CrowdOptions): Promise<Crowd> {
	const sync = new Sync({ clock, flushIntervalMs });
	const hocuspocus = new Hocuspocus({
		quiet: true,
		extensions: [sync, new ContentLimits({ clock }), newStore],
	});
	const options = { readOnly: false, isAuthenticated: true };
	const document = await hocuspocus.createDocument("doc", request, "nobody", options);
	return { document, sockets: connect(document, people, keeps) };
}

/** So many people, on the document as a stock server has it. */
export function gatherPlainly(people: number): Crowd {
	const document = new Document("doc", {}, { flushDelay: false });
	return { document, sockets: connect(document, people, false) };
}

function connect(document: Document, people: number, keeps: boolean): SilentSocket[] {
	const sockets = Array.from({ length: people }, () => new SilentSocket({ keeps }));
	sockets.forEach((socket, index) => {
		new Connection(socket, request, document, `socket-${index}`, {});
	});
	return sockets;
}

/** Time that does not pass: what is put on it never comes. */
export const stillClock: Clock = {
	now: () => 0,
	afterTurn: () => {},
	after: () => () => {},
	random: () => 0.5,
};
