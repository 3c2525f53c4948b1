import { createHash } from "node:crypto";
import { ExpiringMap } from "./expiring-map.ts";
import { fetchText } from "./fetch-text.ts";
import { loadSchemas } from "./load-schemas.ts";
import { type Authority, type Credentials, refused, type Verdict } from "./verdict.ts";

export interface WebhookOptions {
	/** Asked with POST and JSON: `documentName`, `token`, `cookie`, `origin` and `address`, as far as they are known. */
	readonly url: string;
	/** Sent along as `Authorization: Bearer …`, so that the webhook knows who asks. */
	readonly secret?: string | undefined;
	/** How long an answer may take, in ms; 5 s by default. */
	readonly timeoutMs?: number | undefined;
	/** How long an answer is good for the same question, in ms; 5 s by default, 0 for not at all. */
	readonly cacheMs?: number | undefined;
	/** Questions that wait for their answer, at most; past it nobody is let in. 1,000 by default. */
	readonly pendingMax?: number | undefined;
}

const answerBytesMax = 64 * 1024;
const cachedMax = 10_000;

/** Asks somebody over HTTP. Whatever is not a clear yes is no: silence, an error, an answer that can't be understood. */
export class WebhookAuthority implements Authority {
	readonly #options: WebhookOptions;
	readonly #cache = new ExpiringMap<Verdict>(cachedMax);
	readonly #pending = new Map<string, Promise<Verdict>>();

	constructor(options: WebhookOptions) {
		this.#options = options;
	}

	async judge(credentials: Credentials): Promise<Verdict> {
		const { documentName, token, cookie, origin, address } = credentials;
		const question = JSON.stringify({ documentName, token, cookie, origin, address });
		// A hash, so that no token stays in memory.
		const key = createHash("sha256").update(question).digest("base64url");
		const known = this.#cache.get(key, performance.now()) ?? this.#pending.get(key);
		if (known !== undefined) return known;
		const { pendingMax = 1_000, cacheMs = 5_000 } = this.#options;
		if (this.#pending.size >= pendingMax)
			return refused("auth-unavailable", "too many questions wait for the webhook");
		const asking = this.#ask(question);
		this.#pending.set(key, asking);
		const verdict = await asking;
		this.#pending.delete(key);
		const isAnswer = verdict.type === "granted" || verdict.reason !== "auth-unavailable";
		const nowMs = performance.now();
		if (isAnswer && cacheMs > 0) this.#cache.set(key, verdict, nowMs + cacheMs, nowMs);
		return verdict;
	}

	/** Never rejects. */
	async #ask(question: string): Promise<Verdict> {
		const { url, secret, timeoutMs = 5_000 } = this.#options;
		const headers = {
			"Content-Type": "application/json",
			Accept: "application/json",
			...(secret === undefined ? {} : { Authorization: `Bearer ${secret}` }),
		};
		try {
			const signal = AbortSignal.timeout(timeoutMs);
			const answer = await fetchText(
				url,
				{ method: "POST", body: question, headers, signal },
				answerBytesMax,
			);
			return await understand(answer);
		} catch (error) {
			const { name, message } = error as Error;
			const why = name === "TimeoutError" ? "it took too long" : message;
			return refused("auth-unavailable", `the webhook did not answer: ${why}`);
		}
	}
}

async function understand({
	status,
	text,
}: {
	readonly status: number;
	readonly text: string;
}): Promise<Verdict> {
	if (status === 401) return refused("token-invalid", "the webhook does not know the token");
	if (status === 403) return refused("document-forbidden", "the webhook says no");
	if (status !== 200) return refused("auth-unavailable", `the webhook answered with status ${status}`);
	const { answerSchema } = await loadSchemas();
	const answer = answerSchema.safeParse(parse(text));
	if (!answer.success) return refused("auth-unavailable", "the webhook's answer can't be understood");
	const { access, user, expiresAt } = answer.data;
	if (access.level === "none") return refused("document-forbidden", "the webhook says no");
	const expiresAtMs = expiresAt === undefined ? undefined : expiresAt * 1_000;
	if (expiresAtMs !== undefined && expiresAtMs <= Date.now())
		return refused("token-expired", "the webhook says that it is over");
	const identity = { id: user?.id, name: user?.name };
	return { type: "granted", grant: { access, identity, expiresAtMs, issuedAtMs: Date.now() } };
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
