import type { LimitName } from "./limit-event.ts";
import type { LimitReports } from "./limit-reports.ts";
import { TrafficMeter, type TrafficRates } from "./traffic-meter.ts";

/** Whoever can be told to send less: a client's socket. */
export interface Sender {
	/** Made when it is needed; its owner need only keep it. */
	meter: TrafficMeter | undefined;
	/** Whose it is, if that is known. */
	user: MeteredUser | undefined;
	/** Nothing more of it is read. What was read already may still come. */
	pauseReading(): void;
	resumeReading(): void;
	/** It was slowed for too long. */
	endForRate(): void;
}

/** A client's socket behind our own transport, where messages may count as several. */
export interface Charged {
	/** It has sent something that costs as much as so many messages. */
	charge(messages: number): void;
}

/** Whoever has one or several connections, which have a limit together. */
export interface MeteredUser {
	/** As {@link Sender.meter}. */
	meter: TrafficMeter | undefined;
}

export interface TrafficOptions {
	readonly connection: TrafficRates;
	readonly user: TrafficRates;
	/** How long a sender may be slowed without a break, in ms. */
	readonly patienceMs: number;
	readonly reports: LimitReports;
	/** In ms, since any moment. */
	readonly now?: (() => number) | undefined;
}

/** What a connection may send before anybody looks at the clock for it. */
const unchargedMessagesMax = 64;
const unchargedBytesMax = 64 * 1024;
/** How often it is looked who may be read again, in ms. One timer for all, and none while nobody is slowed. */
const tickMs = 100;

/** Whether a connection that has sent so much since it was last charged is to be charged now; for most, once in many seconds. */
export function isWorthCharging(messages: number, bytes: number): boolean {
	return messages >= unchargedMessagesMax || bytes >= unchargedBytesMax;
}

/**
 * Limits how much comes from one connection and from one user. Whoever sends more is read more slowly, which TCP tells the
 * other side; whoever goes on all the same is sent away.
 */
export class Traffic {
	readonly #options: TrafficOptions;
	readonly #now: () => number;
	readonly #slowed = new Set<Sender>();
	#timer: NodeJS.Timeout | undefined;

	constructor(options: TrafficOptions) {
		this.#options = options;
		this.#now = options.now ?? (() => performance.now());
	}

	/** It has sent so much since the last time. */
	charge(sender: Sender, messages: number, bytes: number): void {
		const { connection, user } = this.#options;
		const nowMs = this.#now();
		const own = meterOf(sender);
		const shared = sender.user === undefined ? undefined : meterOf(sender.user);
		const ownMs = own.charge(messages, bytes, connection, nowMs);
		const sharedMs = shared?.charge(messages, bytes, user, nowMs) ?? 0;
		if (shared !== undefined && sharedMs > ownMs) this.#slow(sender, shared, "user-rate", nowMs);
		else if (ownMs > 0) this.#slow(sender, own, "connection-rate", nowMs);
	}

	/** It is gone. */
	forget(sender: Sender): void {
		if (!this.#slowed.delete(sender) || this.#slowed.size > 0) return;
		clearInterval(this.#timer);
		this.#timer = undefined;
	}

	#slow(sender: Sender, meter: TrafficMeter, limit: LimitName, nowMs: number): void {
		const { patienceMs, reports } = this.#options;
		const slowedMs = meter.slowed(nowMs);
		if (slowedMs > patienceMs) {
			reports.report({ type: "closed", limit }, { slowedMs: Math.round(slowedMs) });
			sender.endForRate();
			return;
		}
		if (this.#slowed.has(sender)) return;
		reports.report({ type: "slowed", limit });
		sender.pauseReading();
		this.#slowed.add(sender);
		this.#timer ??= setInterval(() => this.#tick(), tickMs).unref();
	}

	#tick(): void {
		const { connection, user } = this.#options;
		const nowMs = this.#now();
		for (const sender of this.#slowed) {
			const ownMs = meterOf(sender).overdrawnMs(connection, nowMs);
			const sharedMs = sender.user?.meter?.overdrawnMs(user, nowMs) ?? 0;
			if (ownMs > 0 || sharedMs > 0) continue;
			this.forget(sender);
			sender.resumeReading();
		}
	}
}

function meterOf(owner: { meter: TrafficMeter | undefined }): TrafficMeter {
	owner.meter ??= new TrafficMeter();
	return owner.meter;
}
