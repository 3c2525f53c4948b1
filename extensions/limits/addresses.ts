import { type Rate, RateMeter } from "./rate-meter.ts";

export interface AddressesOptions {
	/** Connections of one address at a time; 0 for any number. */
	readonly connectionsMax: number;
	/** Handshakes of one address, those that are refused included. */
	readonly handshakes: Rate;
	/** Addresses that are remembered; more with connections only. */
	readonly addressesMax: number;
}

export type AddressVerdict = "welcome" | "connections-per-address" | "handshakes-per-address";

interface Visitor {
	connections: number;
	readonly handshakes: RateMeter;
}

/** How many are looked at to forget one. */
const looksMax = 16;

/** Who is connected from where, and how often somebody tries. Pure; the time is given, in ms since any moment. */
export class Addresses {
	readonly #options: AddressesOptions;
	/** Who has come last is last. */
	readonly #visitors = new Map<string, Visitor>();

	constructor(options: AddressesOptions) {
		this.#options = options;
	}

	get size(): number {
		return this.#visitors.size;
	}

	/** Somebody wants to connect. Whoever is welcome is to be taken out with {@link left}. */
	arrive(key: string, nowMs: number): AddressVerdict {
		const { connectionsMax, handshakes } = this.#options;
		const visitor = this.#touch(key);
		const isTooOften = visitor.handshakes.overdrawnMs(handshakes, nowMs) > 0;
		// Whoever does not stop trying is let in again a second after the others, not never.
		if (isTooOften) return "handshakes-per-address";
		visitor.handshakes.charge(1, handshakes, nowMs);
		if (connectionsMax > 0 && visitor.connections >= connectionsMax) return "connections-per-address";
		visitor.connections += 1;
		return "welcome";
	}

	left(key: string): void {
		const visitor = this.#visitors.get(key);
		if (visitor !== undefined) visitor.connections -= 1;
	}

	#touch(key: string): Visitor {
		const known = this.#visitors.get(key);
		const visitor = known ?? { connections: 0, handshakes: new RateMeter() };
		if (known !== undefined) this.#visitors.delete(key);
		else if (this.#visitors.size >= this.#options.addressesMax) this.#forgetOne();
		this.#visitors.set(key, visitor);
		return visitor;
	}

	/** The one that came least lately and has no connections, as far as that can be found in a few looks. */
	#forgetOne(): void {
		let looks = 0;
		for (const [key, visitor] of this.#visitors) {
			this.#visitors.delete(key);
			if (visitor.connections === 0) return;
			this.#visitors.set(key, visitor);
			looks += 1;
			if (looks >= looksMax) return;
		}
	}
}
