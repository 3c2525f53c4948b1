import { readRevocation } from "./read-revocation.ts";
import type { Revocation } from "./revocations.ts";
import type { UsedTicket } from "./ticket.ts";

/** A way to the other nodes: the `RedisBus` of this server. */
export interface Relay {
	/**
	 * @param received Called with what other nodes say on this topic.
	 * @param repeat Called when others may have missed something: what still counts is to be said again.
	 * @returns Says something to the other nodes, if they can be reached now.
	 */
	join(topic: string, received: (payload: string) => void, repeat: () => void): (payload: string) => void;
}

/** What nodes tell each other about access. */
export type AuthMessage =
	| { readonly type: "revoked"; readonly revocation: Revocation }
	| { readonly type: "ticket-used"; readonly ticket: UsedTicket };

const ticketNumberCharactersMax = 64;

/** @returns `undefined` for what can't be understood, as from a later edition. */
export function readAuthMessage(payload: string): AuthMessage | undefined {
	let said: unknown;
	try {
		said = JSON.parse(payload);
	} catch {
		return undefined;
	}
	const { type, revocation, ticket } = Object(said) as Record<string, unknown>;
	if (type === "revoked") {
		const read = readRevocation(revocation);
		return read === undefined ? undefined : { type, revocation: read };
	}
	if (type !== "ticket-used") return undefined;
	const { number, expiresAtMs } = Object(ticket) as Record<string, unknown>;
	if (typeof number !== "string" || number.length > ticketNumberCharactersMax) return undefined;
	if (typeof expiresAtMs !== "number" || !Number.isFinite(expiresAtMs)) return undefined;
	return { type, ticket: { number, expiresAtMs } };
}
