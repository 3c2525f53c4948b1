/** What lingers, and until when. */
interface Stay {
	readonly bytes: number;
	readonly untilMs: number;
}

export interface WaitingRoomBounds {
	readonly countMax: number;
	/** Of all together. */
	readonly bytesMax: number;
}

/** What lingers, within bounds: the first to come are the first to go. All stay equally long. Pure. */
export class WaitingRoom<Guest> {
	readonly #bounds: WaitingRoomBounds;
	/** In the order in which they came, and in which their time is over. */
	readonly #stays = new Map<Guest, Stay>();
	#bytes = 0;

	constructor(bounds: WaitingRoomBounds) {
		this.#bounds = bounds;
	}

	get count(): number {
		return this.#stays.size;
	}

	get bytes(): number {
		return this.#bytes;
	}

	/** When the time of the first one is over; `undefined` when there is nobody. */
	get nextMs(): number | undefined {
		for (const { untilMs } of this.#stays.values()) return untilMs;
		return undefined;
	}

	/** Whether there would be room for it if it was alone. */
	takes(bytes: number): boolean {
		return this.#bounds.countMax > 0 && bytes <= this.#bounds.bytesMax;
	}

	has(guest: Guest): boolean {
		return this.#stays.has(guest);
	}

	/** Lets a new guest in. @returns Those who have to go for it. */
	enter(guest: Guest, stay: Stay): Guest[] {
		this.#stays.set(guest, stay);
		this.#bytes += stay.bytes;
		const { countMax, bytesMax } = this.#bounds;
		return this.#takeWhile(() => this.count > countMax || this.#bytes > bytesMax);
	}

	/** @returns Whether it was there. */
	leave(guest: Guest): boolean {
		const stay = this.#stays.get(guest);
		if (stay === undefined) return false;
		this.#stays.delete(guest);
		this.#bytes -= stay.bytes;
		return true;
	}

	/** Takes out those whose time is over. */
	takeOver(nowMs: number): Guest[] {
		return this.#takeWhile(({ untilMs }) => untilMs <= nowMs);
	}

	/** Takes everybody out. */
	takeAll(): Guest[] {
		return this.#takeWhile(() => true);
	}

	#takeWhile(isToGo: (stay: Stay) => boolean): Guest[] {
		const gone: Guest[] = [];
		for (const [guest, stay] of this.#stays) {
			if (!isToGo(stay)) break;
			this.leave(guest);
			gone.push(guest);
		}
		return gone;
	}
}
