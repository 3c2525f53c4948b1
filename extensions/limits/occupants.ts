import type { MeteredUser } from "./traffic.ts";

/** All connections of one user. */
export interface User extends MeteredUser {
	readonly id: string;
	connections: number;
}

/** One client's socket, and what it has open. */
interface Occupant {
	documents: number;
	/** Whoever was the first on it of whom that is known. */
	user: User | undefined;
}

/** Users who have left, and whose rates are not forgotten yet. */
const restingMax = 10_000;

/**
 * Who has how much open. What is kept of a socket goes with its last document; a user goes with the last socket, or when what it has
 * sent is long enough ago: nobody gets to send more by coming back. The time is given, in ms since any moment.
 */
export class Occupants {
	/** By the request with which a socket was opened; it is the same for all its documents. */
	readonly #occupants = new WeakMap<Request, Occupant>();
	readonly #users = new Map<string, User>();
	/** Users without connections. Whoever was looked at least lately is first. */
	readonly #resting = new Set<User>();

	/** Users who are known. */
	get size(): number {
		return this.#users.size;
	}

	documentsOf(request: Request): number {
		return this.#occupants.get(request)?.documents ?? 0;
	}

	/** One more document of a socket. @returns Whose the socket is, if that is known. */
	enter(request: Request, userId: string | undefined): User | undefined {
		const occupant = this.#occupants.get(request) ?? { documents: 0, user: undefined };
		occupant.documents += 1;
		this.#occupants.set(request, occupant);
		if (occupant.user !== undefined || userId === undefined) return occupant.user;
		const user = this.#user(userId);
		user.connections += 1;
		occupant.user = user;
		return user;
	}

	leave(request: Request, nowMs: number): void {
		const occupant = this.#occupants.get(request);
		if (occupant === undefined) return;
		occupant.documents -= 1;
		if (occupant.documents > 0) return;
		this.#occupants.delete(request);
		const { user } = occupant;
		if (user === undefined) return;
		user.connections -= 1;
		if (user.connections === 0) this.#resting.add(user);
		// More than come, so that it gets empty.
		this.#forgetOne(nowMs);
		this.#forgetOne(nowMs);
	}

	#user(id: string): User {
		const known = this.#users.get(id);
		if (known !== undefined) {
			this.#resting.delete(known);
			return known;
		}
		const user = { id, connections: 0, meter: undefined };
		this.#users.set(id, user);
		return user;
	}

	#forgetOne(nowMs: number): void {
		const [user] = this.#resting;
		if (user === undefined) return;
		this.#resting.delete(user);
		const isCalm = user.meter?.isFull(nowMs) ?? true;
		if (isCalm || this.#resting.size >= restingMax) this.#users.delete(user.id);
		else this.#resting.add(user);
	}
}
