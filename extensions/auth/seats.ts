import type { Connection } from "@hocuspocus/server";
import { type Access, lesser, readAccess, writeAccess } from "./access.ts";
import { Deadlines } from "./deadlines.ts";
import { authCloseEvents, endConnection, tellScope } from "./end-connection.ts";
import { concerns, type RevocationAction, type RevocationRequest, type Subject } from "./revocations.ts";
import { type Grant, type Identity, nobody } from "./verdict.ts";

/** One connection to a document, and what it may do there now. */
export interface Seat {
	readonly connection: Connection;
	/** `undefined` when somebody else's hook has let it in. */
	grant: Grant | undefined;
	/** Who that hook says it is. */
	readonly stranger: Identity;
	access: Access;
	/** When it was last asked for a new token, in ms since 1970; `undefined` for never. */
	askedMs: number | undefined;
}

export interface SeatsOptions {
	/** How long before the end of a grant a new token is asked for, in ms. */
	readonly askAheadMs: number;
	readonly expiryAction: RevocationAction;
	readonly onExpired: (action: RevocationAction) => void;
}

/** How long a client has to answer before it is asked for its token again, in ms. */
const askAgainMs = 5_000;

/** Everybody who is connected. It takes away what has expired or was revoked. */
export class Seats {
	readonly #options: SeatsOptions;
	readonly #seats = new Map<Connection, Seat>();
	readonly #deadlines: Deadlines<Seat>;

	constructor(options: SeatsOptions) {
		this.#options = options;
		this.#deadlines = new Deadlines((seat, nowMs) => this.#due(seat, nowMs));
	}

	get(connection: Connection): Seat | undefined {
		return this.#seats.get(connection);
	}

	add(connection: Connection, grant: Grant | undefined, stranger: Identity = nobody): Seat {
		const access = grant?.access ?? (connection.readOnly ? readAccess : writeAccess);
		const seat: Seat = { connection, grant, stranger, access, askedMs: undefined };
		this.#seats.set(connection, seat);
		this.#watch(seat);
		return seat;
	}

	/** The connection is no longer its document's. */
	left(connection: Connection): void {
		const seat = this.#seats.get(connection);
		if (seat === undefined) return;
		this.#seats.delete(connection);
		this.#deadlines.delete(seat);
	}

	/** The client has shown new credentials. */
	renew(seat: Seat, grant: Grant): void {
		seat.grant = grant;
		this.#change(seat, grant.access);
		this.#watch(seat);
	}

	/** @returns How many connections were ended or may only read now. */
	revoke(revocation: RevocationRequest): number {
		// Ending one changes the map.
		const concerned = [...this.#seats.values()].filter((seat) => concerns(revocation, subjectOf(seat)));
		for (const seat of concerned) this.#take(seat, revocation.action);
		return concerned.length;
	}

	close(): void {
		this.#deadlines.close();
	}

	#take(seat: Seat, action: RevocationAction): void {
		if (action === "close") endConnection(seat.connection, authCloseEvents.accessRevoked);
		else this.#change(seat, lesser(seat.access, readAccess));
	}

	#change(seat: Seat, access: Access): void {
		const { connection } = seat;
		const wasReadOnly = seat.access.level === "read";
		seat.access = access;
		const isReadOnly = access.level === "read";
		if (wasReadOnly === isReadOnly) return;
		connection.readOnly = isReadOnly;
		tellScope(connection, isReadOnly ? "readonly" : "read-write");
	}

	#watch(seat: Seat): void {
		const expiresAtMs = seat.grant?.expiresAtMs;
		if (expiresAtMs === undefined) {
			this.#deadlines.delete(seat);
			return;
		}
		const againMs = seat.askedMs === undefined ? Number.NEGATIVE_INFINITY : seat.askedMs + askAgainMs;
		const askMs = Math.max(expiresAtMs - this.#options.askAheadMs, againMs);
		this.#deadlines.set(seat, Math.min(expiresAtMs, askMs));
	}

	#due(seat: Seat, nowMs: number): void {
		const expiresAtMs = seat.grant?.expiresAtMs;
		if (expiresAtMs === undefined) return;
		if (expiresAtMs > nowMs) {
			seat.askedMs = nowMs;
			this.#watch(seat);
			seat.connection.requestToken();
			return;
		}
		const { expiryAction, onExpired } = this.#options;
		onExpired(expiryAction);
		if (expiryAction === "close") endConnection(seat.connection, authCloseEvents.tokenExpired);
		else this.#change(seat, lesser(seat.access, readAccess));
	}
}

function subjectOf({ connection, grant, stranger }: Seat): Subject {
	const { id } = grant?.identity ?? stranger;
	return { userId: id, documentName: connection.document.name, issuedAtMs: grant?.issuedAtMs };
}
