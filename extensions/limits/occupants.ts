import type { MeteredUser } from "./traffic.ts";

/** All connections of one user. */
export interface User extends MeteredUser {
	readonly id: string;
	connections: number;
}

/** One client's socket, and what it has open. */
interface Occupant {
	documents: number;
	/** Whoever opened its first document. */
	readonly user: User | undefined;
}

/** Who has how much open. What is kept of a socket, and of a user, goes with the last document. */
export class Occupants {
	/** By the request with which a socket was opened; it is the same for all its documents. */
	readonly #occupants = new WeakMap<Request, Occupant>();
	readonly #users = new Map<string, User>();

	documentsOf(request: Request): number {
		return this.#occupants.get(request)?.documents ?? 0;
	}

	/** One more document of a socket. @returns Whose it is, if that is known. */
	enter(request: Request, userId: string | undefined): User | undefined {
		const known = this.#occupants.get(request);
		if (known !== undefined) {
			known.documents += 1;
			return known.user;
		}
		const user = userId === undefined ? undefined : this.#user(userId);
		if (user !== undefined) user.connections += 1;
		this.#occupants.set(request, { documents: 1, user });
		return user;
	}

	leave(request: Request): void {
		const occupant = this.#occupants.get(request);
		if (occupant === undefined) return;
		occupant.documents -= 1;
		if (occupant.documents > 0) return;
		this.#occupants.delete(request);
		const { user } = occupant;
		if (user === undefined) return;
		user.connections -= 1;
		if (user.connections === 0) this.#users.delete(user.id);
	}

	#user(id: string): User {
		const known = this.#users.get(id);
		if (known !== undefined) return known;
		const user = { id, connections: 0, meter: undefined };
		this.#users.set(id, user);
		return user;
	}
}
