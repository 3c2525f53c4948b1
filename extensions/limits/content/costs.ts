import type { Connection } from "@hocuspocus/server";
import { addressKey } from "../address-key.ts";
import type { LimitReports } from "../limit-reports.ts";
import { type Rate, RateMeter } from "../rate-meter.ts";
import type { Charged } from "../traffic.ts";
import { userIdOf } from "../user-id.ts";

/** In what one connection may send: what all of a user, an address or a document may cost besides messages. */
const shares = 2;
/** For how long, in seconds, whoever was still may send at once what a rate allows: as `Limits` has it. */
const burstS = 10;
/** Whoever has cost something lately. */
const metersMax = 10_000;

export interface CostsOptions {
	/** Of one connection; 0 for any number. */
	readonly messagesPerSecondMax: number;
	readonly limitPrivateAddresses: boolean;
	/** From where a client has connected, as far as that is known. */
	readonly addressOf: (request: Request) => string | undefined;
	readonly reports: LimitReports;
	/** In ms, since any moment. */
	readonly now: () => number;
}

/**
 * What clients send that costs more than a message, counted in messages: not to be seen by its bytes. Behind our own transport a
 * connection is charged for it, and so is whoever has several of them, at once or one after the other: a user, or else an address, or
 * else, for those that are not told apart by address, the document.
 */
export class Costs {
	readonly #options: CostsOptions;
	readonly #rate: Rate;
	/** Who was charged last is last. */
	readonly #meters = new Map<string, RateMeter>();
	/** Until when connections are slowed for others. */
	readonly #slowedUntilMs = new WeakMap<Connection, number>();

	constructor(options: CostsOptions) {
		const perSecond = options.messagesPerSecondMax * shares;
		this.#options = options;
		this.#rate = { perSecond, burst: perSecond * burstS };
	}

	charge(connection: Connection, messages: number): void {
		const { webSocket } = connection;
		if (!(messages >= 1 && "charge" in webSocket)) return;
		const charged = webSocket as Charged;
		charged.charge(messages);
		const { now, messagesPerSecondMax, reports } = this.#options;
		const nowMs = now();
		const overdrawnMs = this.#chargeTogether(this.#payer(connection), messages, nowMs);
		const untilMs = this.#slowedUntilMs.get(connection) ?? nowMs;
		if (overdrawnMs === 0 || untilMs > nowMs) return;
		reports.report({ type: "slowed", limit: "costly-edits" });
		this.#slowedUntilMs.set(connection, nowMs + overdrawnMs);
		// As if it had sent all that others have.
		charged.charge(messagesPerSecondMax * (burstS + overdrawnMs / 1_000));
	}

	/** @returns For how long there is nothing to take, in ms. */
	#chargeTogether(payer: string, messages: number, nowMs: number): number {
		const meter = this.#meters.get(payer) ?? new RateMeter();
		this.#meters.delete(payer);
		this.#meters.set(payer, meter);
		meter.charge(messages, this.#rate, nowMs);
		for (const [other, oldest] of this.#meters) {
			if (this.#meters.size <= metersMax && !oldest.isFull(nowMs)) break;
			this.#meters.delete(other);
		}
		return meter.overdrawnMs(this.#rate, nowMs);
	}

	#payer({ context, request, document }: Connection): string {
		const { addressOf, limitPrivateAddresses } = this.#options;
		const user = userIdOf(context);
		if (user !== undefined) return `user ${user}`;
		const address = addressKey(addressOf(request), limitPrivateAddresses);
		return address === undefined ? `document ${document.name}` : `address ${address}`;
	}
}
