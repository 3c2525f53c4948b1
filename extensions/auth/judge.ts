import type { Access } from "./access.ts";
import { readAccess, writeAccess } from "./access.ts";
import { accessByClaims } from "./claims.ts";
import { JwtAuthority, type JwtOptions } from "./jwt.ts";
import { refuseUnknown } from "./known-options.ts";
import { TicketAuthority, type TicketOptions, type UsedTicket } from "./ticket.ts";
import { type Authority, type Credentials, nobody, refused, type Verdict } from "./verdict.ts";
import { WebhookAuthority, type WebhookOptions } from "./webhook.ts";

export interface JudgeOptions {
	readonly jwt?: JwtOptions | undefined;
	readonly webhook?: WebhookOptions | undefined;
	readonly tickets?: TicketOptions | undefined;
	/** Documents that somebody without any credentials may open, by pattern. */
	readonly anonymous?:
		| { readonly read?: readonly string[] | undefined; readonly write?: readonly string[] | undefined }
		| undefined;
}

/**
 * Chooses who is to judge: a ticket goes to the tickets, a JSON Web Token to the keys, any other token and none to the webhook.
 * Exactly one of them decides; only somebody without credentials may do what anybody may besides. With none of them
 * configured everything is allowed.
 */
export class Judge implements Authority {
	readonly #jwt: JwtAuthority | undefined;
	readonly #webhook: WebhookAuthority | undefined;
	readonly #tickets: TicketAuthority | undefined;
	readonly #anonymous: JudgeOptions["anonymous"];
	/** Whether anything is configured at all. */
	readonly isOpen: boolean;

	/** @throws {TypeError} when a key or a secret can't be used. */
	constructor(
		{ jwt, webhook, tickets, anonymous }: JudgeOptions,
		onTicketUsed: (ticket: UsedTicket) => void,
	) {
		refuseUnknown("anonymous of Auth", anonymous ?? {}, { read: true, write: true });
		this.#jwt = jwt === undefined ? undefined : new JwtAuthority(jwt);
		this.#webhook = webhook === undefined ? undefined : new WebhookAuthority(webhook);
		this.#tickets = tickets === undefined ? undefined : new TicketAuthority(tickets, onTicketUsed);
		this.#anonymous = anonymous;
		this.isOpen = [jwt, webhook, tickets, anonymous].every((option) => option === undefined);
	}

	ticketUsed(ticket: UsedTicket): void {
		this.#tickets?.markUsed(ticket);
	}

	async judge(credentials: Credentials): Promise<Verdict> {
		const { token, ticket, documentName } = credentials;
		if (this.#tickets !== undefined && ticket !== undefined) return this.#tickets.judge(credentials);
		if (this.#jwt !== undefined && JwtAuthority.isJwt(token)) return this.#jwt.judge(credentials);
		const verdict = await this.#webhook?.judge(credentials);
		if (verdict?.type === "granted" || token !== "")
			return verdict ?? refused("token-invalid", "the token is of no kind that is known here");
		const access = this.#anonymousAccess(documentName);
		if (access.level === "none")
			return verdict ?? refused("token-missing", "there is no token, and the document is not for everybody");
		const grant = { access, identity: nobody, expiresAtMs: undefined, issuedAtMs: undefined };
		return { type: "granted", grant };
	}

	/** The most specific pattern decides, as in a token. */
	#anonymousAccess(documentName: string): Access {
		const { read = [], write = [] } = this.#anonymous ?? {};
		const permissions = [
			...read.map((pattern) => [pattern, readAccess] as [string, Access]),
			...write.map((pattern) => [pattern, writeAccess] as [string, Access]),
		];
		return accessByClaims({ permissions }, documentName);
	}
}
