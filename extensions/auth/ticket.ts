import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { z } from "zod";
import type { Permission } from "./access.ts";
import { ExpiringMap } from "./expiring-map.ts";
import { loadSchemas } from "./load-schemas.ts";
import type { ticketSchema } from "./schemas.ts";
import { checkedSecret } from "./secret.ts";
import { type Authority, type Credentials, refused, type Verdict } from "./verdict.ts";

export interface TicketOptions {
	/** Known to this server and to whoever makes out tickets: at least 32 bytes. */
	readonly secret: string;
	/** Tickets that were used and have not expired, at most; past it no ticket is taken. 100,000 by default. */
	readonly usedMax?: number | undefined;
}

/** What a ticket is for. */
export interface TicketContent {
	/** The document that it opens. */
	readonly documentName: string;
	readonly permission: Permission;
	/** By when it must be used; a minute from now by default, a day at most. */
	readonly expiresAt?: Date | undefined;
	/** When the access that it gave ends; never by default. */
	readonly accessEndsAt?: Date | undefined;
	/** Whoever uses it, as others see them. */
	readonly user?: { readonly id?: string | undefined; readonly name?: string | undefined } | undefined;
	/** False for one that may be used again and again until it expires, as a client that reconnects has to. */
	readonly once?: boolean | undefined;
}

const day = 24 * 60 * 60;
const ticketCharactersMax = 8_192;

/**
 * Makes out a ticket, for the parameter `ticket` of the WebSocket's URL: for clients that can't send a token.
 * @throws {TypeError} when the secret is too short, or the ticket would be good for more than a day.
 */
export function signTicket(secret: string, content: TicketContent): string {
	const { documentName, permission, accessEndsAt, user, once = true } = content;
	const now = Date.now() / 1_000;
	const expires = content.expiresAt === undefined ? now + 60 : content.expiresAt.getTime() / 1_000;
	if (expires - now > day) throw new TypeError("a ticket must be used within a day");
	const payload = {
		n: randomBytes(12).toString("base64url"),
		d: documentName,
		p: permission,
		e: expires,
		i: now,
		...(accessEndsAt === undefined ? {} : { u: accessEndsAt.getTime() / 1_000 }),
		...(user?.id === undefined ? {} : { id: user.id }),
		...(user?.name === undefined ? {} : { name: user.name }),
		...(once ? {} : { r: true }),
	};
	const text = Buffer.from(JSON.stringify(payload)).toString("base64url");
	return `${text}.${signatureOf(checkedSecret(secret, "tickets"), text).toString("base64url")}`;
}

/** Judges tickets, and remembers those that were used. */
export class TicketAuthority implements Authority {
	readonly #secret: string;
	readonly #used: ExpiringMap<true>;
	readonly #onUsed: (ticket: UsedTicket) => void;

	/**
	 * @param onUsed Told of each ticket that may not be used again, so that other nodes can be.
	 * @throws {TypeError} when the secret is too short.
	 */
	constructor({ secret, usedMax = 100_000 }: TicketOptions, onUsed: (ticket: UsedTicket) => void) {
		this.#secret = checkedSecret(secret, "tickets");
		this.#used = new ExpiringMap(usedMax);
		this.#onUsed = onUsed;
	}

	/** It was used elsewhere. */
	markUsed({ number, expiresAtMs }: UsedTicket): void {
		const nowMs = Date.now();
		// A day is as long as any is good for.
		if (expiresAtMs < nowMs + day * 1_000) this.#used.set(number, true, expiresAtMs, nowMs);
	}

	async judge({ ticket = "", documentName }: Credentials): Promise<Verdict> {
		const payload = await this.#read(ticket);
		if (payload === undefined) return refused("ticket-invalid", "the ticket is not one of ours");
		const nowMs = Date.now();
		const expiresAtMs = payload.e * 1_000;
		if (expiresAtMs <= nowMs) return refused("ticket-invalid", "the ticket has expired");
		if (expiresAtMs > nowMs + (day + 60) * 1_000)
			return refused("ticket-invalid", "the ticket is good for more than a day");
		// A document's name, and not a pattern.
		if (payload.d !== documentName)
			return refused("document-forbidden", "the ticket is for another document");
		const { p: access, r: reusable, u } = payload;
		if (access.level === "none") return refused("document-forbidden", "the ticket allows nothing");
		if (reusable !== true) {
			if (this.#used.get(payload.n, nowMs)) return refused("ticket-used", "the ticket was used before");
			if (!this.#used.set(payload.n, true, expiresAtMs, nowMs))
				return refused("auth-unavailable", "too many tickets were used lately to remember more");
			this.#onUsed({ number: payload.n, expiresAtMs });
		}
		const identity = { id: payload.id, name: payload.name };
		const endsAtMs = u === undefined ? undefined : u * 1_000;
		if (endsAtMs !== undefined && endsAtMs <= nowMs)
			return refused("ticket-invalid", "the ticket's access is over");
		return {
			type: "granted",
			grant: { access, identity, expiresAtMs: endsAtMs, issuedAtMs: payload.i * 1_000 },
		};
	}

	async #read(ticket: string): Promise<z.output<typeof ticketSchema> | undefined> {
		if (ticket.length > ticketCharactersMax) return undefined;
		const [text = "", signature = "", ...more] = ticket.split(".");
		if (more.length > 0) return undefined;
		const given = Buffer.from(signature, "base64url");
		const right = signatureOf(this.#secret, text);
		if (given.byteLength !== right.byteLength || !timingSafeEqual(given, right)) return undefined;
		const { ticketSchema } = await loadSchemas();
		try {
			return ticketSchema.parse(JSON.parse(Buffer.from(text, "base64url").toString()));
		} catch {
			return undefined;
		}
	}
}

export interface UsedTicket {
	readonly number: string;
	readonly expiresAtMs: number;
}

/** The prefix keeps a signature for anything else that is made with the same secret from being one for a ticket. */
function signatureOf(secret: string, text: string): Buffer {
	return createHmac("sha256", secret).update(`indelible-ticket-1.${text}`).digest();
}
