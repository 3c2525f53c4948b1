import type { Connection } from "@hocuspocus/server";
import { limitCloseEvents } from "./limit-close-events.ts";
import { isWorthCharging, type MeteredUser, type Sender, type Traffic } from "./traffic.ts";
import type { TrafficMeter } from "./traffic-meter.ts";

type WebSocketLike = Connection["webSocket"];

/** What `ws` can do, and others may not. */
interface Pausable {
	pause(): void;
	resume(): void;
}

/** A client's socket on a server without our transport: what comes is counted where Hocuspocus hands it to a document. */
export class PlainSender implements Sender {
	meter: TrafficMeter | undefined;
	user: MeteredUser | undefined;
	readonly #socket: WebSocketLike;
	readonly #traffic: Traffic;
	#documents = 0;
	#messages = 0;
	#bytes = 0;

	constructor(socket: WebSocketLike, traffic: Traffic) {
		this.#socket = socket;
		this.#traffic = traffic;
	}

	/** One more document is open on it. */
	entered(): void {
		this.#documents += 1;
	}

	/** One document less. */
	left(): void {
		this.#documents -= 1;
		if (this.#documents > 0) return;
		this.#traffic.forget(this);
		// It may still be open, and open another one.
		this.resumeReading();
	}

	received(bytes: number): void {
		this.#messages += 1;
		this.#bytes += bytes;
		if (!isWorthCharging(this.#messages, this.#bytes)) return;
		this.#traffic.charge(this, this.#messages, this.#bytes);
		this.#messages = 0;
		this.#bytes = 0;
	}

	pauseReading(): void {
		if (isPausable(this.#socket)) this.#socket.pause();
	}

	resumeReading(): void {
		if (isPausable(this.#socket)) this.#socket.resume();
	}

	endForRate(): void {
		this.#traffic.forget(this);
		const { code, reason } = limitCloseEvents.rateExceeded;
		this.#socket.close(code, reason);
		// What it sends from now on is read and thrown away, as otherwise its own closing would not be heard.
		this.resumeReading();
	}
}

function isPausable(socket: unknown): socket is Pausable {
	const { pause, resume } = Object(socket) as Partial<Pausable>;
	return typeof pause === "function" && typeof resume === "function";
}
