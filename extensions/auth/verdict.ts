import type { Access } from "./access.ts";

/** Who somebody is, as far as their credentials prove it. */
export interface Identity {
	readonly id: string | undefined;
	readonly name: string | undefined;
}

export const nobody: Identity = { id: undefined, name: undefined };

/** What somebody may do with one document, and until when. */
export interface Grant {
	readonly access: Access;
	readonly identity: Identity;
	/** Milliseconds since 1970; `undefined` when it does not end by itself. */
	readonly expiresAtMs: number | undefined;
	/** Milliseconds since 1970 at which the credentials were made out, if they say so; a revocation ends what is older. */
	readonly issuedAtMs: number | undefined;
}

/** What a client is told when it is refused, in the provider's `onAuthenticationFailed`. */
export type RefusalReason =
	| "token-missing"
	| "token-invalid"
	| "token-expired"
	| "ticket-invalid"
	| "ticket-used"
	| "document-forbidden"
	| "access-revoked"
	| "client-outdated"
	/** Whoever would know can't be asked now. Worth another try. */
	| "auth-unavailable";

export type Verdict =
	| { readonly type: "granted"; readonly grant: Grant }
	/** `why` is for the operator and never holds any part of a credential. */
	| { readonly type: "refused"; readonly reason: RefusalReason; readonly why: string };

export function refused(reason: RefusalReason, why: string): Verdict {
	return { type: "refused", reason, why };
}

/** What a client shows to be let in. */
export interface Credentials {
	readonly documentName: string;
	/** Empty when it has none. */
	readonly token: string;
	/** The parameter `ticket` of the WebSocket's URL. */
	readonly ticket: string | undefined;
	readonly cookie: string | undefined;
	readonly origin: string | undefined;
	/** Whom the connection is from. */
	readonly address: string | undefined;
}

/** Where a verdict may come from. It never throws: who can't tell refuses with "auth-unavailable". */
export interface Authority {
	judge(credentials: Credentials): Promise<Verdict>;
}
