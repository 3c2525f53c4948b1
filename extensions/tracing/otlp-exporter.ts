import type { Clock } from "../durability/clock.ts";
import type { DurabilityLogger } from "../durability/logging.ts";
import { otlpRequest, type Resource } from "./otlp-json.ts";
import type { Span } from "./span.ts";

export interface OtlpExporterOptions {
	/** Where the receiver is, without `/v1/traces` at the end of its path. */
	readonly url: string;
	/** Sent along, for whoever wants to see a key. */
	readonly headers: Readonly<Record<string, string>>;
	readonly resource: Resource;
	readonly clock: Clock;
	readonly logger: DurabilityLogger;
}

/** Spans in one request, at most. */
const batchMax = 512;
/** Spans that wait to be sent, at most; more are dropped. */
const waitingMax = 4_096;
/** How long spans wait for more, when there are few. */
const delayMs = 1_000;
/** What is read of an answer, in bytes: of one that is longer nobody wants to know the end. */
const answerBytesMax = 16 * 1024;
const timeoutMs = 10_000;
const closingMsMax = 1_000;
const retryMsMax = 30_000;
/** A receiver that asks for more is asked again all the same. */
const retryAfterMsMax = 5 * 60_000;
/** Those after which the specification of OTLP/HTTP has a client try again. */
const passingStatus: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/**
 * Sends spans to a receiver of OTLP/HTTP, one request at a time. It never holds anybody up: what a receiver does not take
 * in time is dropped and counted.
 */
export class OtlpExporter {
	readonly #options: OtlpExporterOptions;
	readonly #endpoint: string;
	#waiting: Span[] = [];
	#cancelTimer: (() => void) | undefined;
	#sending: Promise<void> | undefined;
	#retryMs = 0;
	/** That, or longer, when the receiver has asked for it. */
	#waitMs = 0;
	/** Since when the receiver has not taken anything; the log is told once. */
	#isFailing = false;
	#isClosed = false;
	sent = 0;
	dropped = 0;

	/** @throws {TypeError} when the URL can't be used. */
	constructor(options: OtlpExporterOptions) {
		this.#options = options;
		this.#endpoint = tracesAt(options.url);
	}

	add(spans: readonly Span[]): void {
		if (this.#isClosed || this.#waiting.length + spans.length > waitingMax) {
			this.dropped += spans.length;
			return;
		}
		this.#waiting.push(...spans);
		const isFull = this.#waiting.length >= batchMax && this.#waiting.length - spans.length < batchMax;
		if (isFull && !this.#isFailing) this.#cancelSchedule();
		this.#schedule(this.#nextInMs());
	}

	/** Sends what is left, as far as the receiver takes it within a second, and takes no more. */
	async close(): Promise<void> {
		this.#isClosed = true;
		this.#cancelSchedule();
		const late = Promise.withResolvers<void>();
		const cancel = this.#options.clock.after(closingMsMax, late.resolve);
		await Promise.race([this.#sendRest(), late.promise]);
		cancel();
		this.dropped += this.#waiting.length;
		this.#waiting = [];
	}

	async #sendRest(): Promise<void> {
		await this.#sending;
		while (this.#waiting.length > 0 && !this.#isFailing) await this.#send();
	}

	#schedule(inMs: number): void {
		if (this.#cancelTimer !== undefined || this.#sending !== undefined) return;
		this.#cancelTimer = this.#options.clock.after(inMs, () => {
			this.#cancelTimer = undefined;
			// It never rejects.
			this.#sending = this.#send().then(() => {
				this.#sending = undefined;
				if (this.#waiting.length > 0 && !this.#isClosed) this.#schedule(this.#nextInMs());
			});
		});
	}

	#cancelSchedule(): void {
		this.#cancelTimer?.();
		this.#cancelTimer = undefined;
	}

	#nextInMs(): number {
		if (this.#isFailing) return this.#waitMs;
		return this.#waiting.length >= batchMax ? 0 : delayMs;
	}

	async #send(): Promise<void> {
		const batch = this.#waiting.splice(0, batchMax);
		const problem = await this.#post(batch);
		if (problem === undefined) {
			this.sent += batch.length;
			this.#retryMs = 0;
			if (this.#isFailing) this.#options.logger.info({}, "spans are taken again");
			this.#isFailing = false;
			return;
		}
		if (!this.#isFailing) this.#options.logger.warn({ why: problem.why }, "spans could not be sent");
		this.#isFailing = true;
		this.#retryMs = Math.min(retryMsMax, Math.max(delayMs, this.#retryMs * 2));
		this.#waitMs = Math.max(this.#retryMs, Math.min(problem.retryAfterMs ?? 0, retryAfterMsMax));
		const isKept = problem.isPassing && this.#waiting.length + batch.length <= waitingMax;
		if (isKept) this.#waiting.unshift(...batch);
		else this.dropped += batch.length;
	}

	/** @returns What went wrong, if anything did. */
	async #post(batch: readonly Span[]): Promise<Refusal | undefined> {
		const { headers, resource, clock } = this.#options;
		try {
			const response = await fetch(this.#endpoint, {
				method: "POST",
				headers: { "Content-Type": "application/json", ...headers },
				body: otlpRequest(batch, resource, Date.now() - clock.now()),
				signal: AbortSignal.timeout(timeoutMs),
				redirect: "error",
			});
			await readAnswer(response);
			if (response.ok) return undefined;
			return {
				why: `HTTP ${response.status}`,
				isPassing: passingStatus.has(response.status),
				retryAfterMs: retryAfterMs(response.headers.get("Retry-After"), Date.now()),
			};
		} catch (error) {
			const { cause, message } = error as Error;
			const why = (cause as NodeJS.ErrnoException | undefined)?.code ?? message;
			return { why, isPassing: true, retryAfterMs: undefined };
		}
	}
}

interface Refusal {
	readonly why: string;
	readonly isPassing: boolean;
	/** How long the receiver wants to be left alone, if it says so. */
	readonly retryAfterMs: number | undefined;
}

/** The header has seconds, or a date (RFC 9110, section 10.2.3). Whatever else it holds says nothing. */
function retryAfterMs(written: string | null, nowMs: number): number | undefined {
	if (written === null) return undefined;
	if (/^\d+$/.test(written.trim())) return Number(written) * 1_000;
	const atMs = Date.parse(written);
	return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

/** @throws {TypeError} when there is a user in it: `fetch` takes none, and would put the password into its message. */
function tracesAt(written: string): string {
	const url = new URL(written);
	if (url.username !== "" || url.password !== "")
		throw new TypeError("the URL of a receiver of traces has no user in it; put a key into a header");
	url.pathname = `${url.pathname.replace(/\/+$/, "")}/v1/traces`;
	url.hash = "";
	return url.href;
}

/** To its end, so that the connection can be used again; a long one costs the connection. */
async function readAnswer({ body }: Response): Promise<void> {
	let bytes = 0;
	for await (const chunk of body ?? []) {
		bytes += chunk.byteLength;
		if (bytes > answerBytesMax) return;
	}
}
