import { z } from "zod";
import { type Revocation, revocationSchema } from "./revocations.ts";
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

const messageSchema = z.discriminatedUnion("type", [
	z.object({
		type: z.literal("revoked"),
		revocation: revocationSchema,
	}),
	z.object({
		type: z.literal("ticket-used"),
		ticket: z.object({ number: z.string().max(64), expiresAtMs: z.number() }),
	}),
]);

/** What nodes tell each other about access. */
export type AuthMessage =
	| { readonly type: "revoked"; readonly revocation: Revocation }
	| { readonly type: "ticket-used"; readonly ticket: UsedTicket };

/** @returns `undefined` for what can't be understood, as from a later edition. */
export function readAuthMessage(payload: string): AuthMessage | undefined {
	try {
		return messageSchema.parse(JSON.parse(payload));
	} catch {
		return undefined;
	}
}
