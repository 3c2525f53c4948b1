import { ExpiringMap } from "./expiring-map.ts";

/** What an operator asks for: `user`, `document`, or both, to end the access of one user to one document. */
export interface RevocationRequest {
	readonly user?: string | undefined;
	readonly document?: string | undefined;
	readonly action: "close" | "readonly";
}

export interface Revocation extends RevocationRequest {
	/** When it was asked for, in ms since 1970: it ends what was made out up to then. */
	readonly atMs: number;
}

/** Whose access it is. */
export interface Subject {
	readonly userId: string | undefined;
	readonly documentName: string;
	/** See `Grant`; what does not say when it was made out is taken to be older. */
	readonly issuedAtMs: number | undefined;
}

export type RevocationAction = Revocation["action"];

const entriesMax = 10_000;

/** What was revoked lately, so that it is not given again for the same credentials. Pure. */
export class Revocations {
	readonly #memoryMs: number;
	readonly #entries = new ExpiringMap<Revocation>(entriesMax);

	constructor(memoryMs: number) {
		this.#memoryMs = memoryMs;
	}

	/** @returns Whether it is new and there is room for it. */
	add(revocation: Revocation, nowMs: number): "added" | "known" | "full" {
		const key = keyOf(revocation.user, revocation.document, revocation.action);
		const known = this.#entries.get(key, nowMs);
		if (known !== undefined && known.atMs >= revocation.atMs) return "known";
		const untilMs = revocation.atMs + this.#memoryMs;
		return this.#entries.set(key, revocation, untilMs, nowMs) ? "added" : "full";
	}

	/** What becomes of somebody's access. */
	actionFor({ userId, documentName, issuedAtMs }: Subject, nowMs: number): RevocationAction | undefined {
		const users = userId === undefined ? [undefined] : [userId, undefined];
		const isRevoked = (action: RevocationAction) =>
			users.some((user) =>
				[documentName, undefined].some((document) => {
					const found = this.#entries.get(keyOf(user, document, action), nowMs);
					return found !== undefined && (issuedAtMs === undefined || issuedAtMs <= found.atMs);
				}),
			);
		if (isRevoked("close")) return "close";
		return isRevoked("readonly") ? "readonly" : undefined;
	}

	all(nowMs: number): Revocation[] {
		return [...this.#entries.entries(nowMs)].map(([, revocation]) => revocation);
	}
}

export function concerns({ user, document }: RevocationRequest, { userId, documentName }: Subject): boolean {
	return (user === undefined || user === userId) && (document === undefined || document === documentName);
}

function keyOf(user: string | undefined, document: string | undefined, action: RevocationAction): string {
	return JSON.stringify([user ?? null, document ?? null, action]);
}
