import type { createRemoteJWKSet } from "jose";
import { fetchText } from "./fetch-text.ts";
import { jose } from "./jose.ts";

export type KeySet = ReturnType<typeof createRemoteJWKSet>;

const timeoutMs = 5_000;
/** After so long keys are fetched again, so that one that the issuer has withdrawn goes. */
const freshMs = 10 * 60_000;
/** An issuer that is away for so long, after the keys were last fetched, turns nobody away. */
const keptMs = 60 * 60_000;
const bytesMax = 1024 * 1024;

/** The keys that an issuer publishes at a URL. A key that is not among them is looked for again, at most once in `cooldownMs`. */
export function remoteKeySet(url: string, cooldownMs = 5_000): KeySet {
	let last: { readonly text: string; readonly atMs: number } | undefined;
	const { createRemoteJWKSet } = jose();
	const customFetch: typeof import("jose").customFetch = jose().customFetch;
	return createRemoteJWKSet(new URL(url), {
		timeoutDuration: timeoutMs,
		cooldownDuration: cooldownMs,
		cacheMaxAge: freshMs,
		[customFetch]: async (address, { headers, signal }) => {
			try {
				const { status, text } = await fetchText(address, { headers, signal }, bytesMax);
				if (status !== 200) throw new Error(`it answered with status ${status}`);
				last = { text, atMs: performance.now() };
				return new Response(text, { status });
			} catch (error) {
				if (last === undefined || performance.now() - last.atMs > keptMs) throw error;
				return new Response(last.text);
			}
		},
	});
}
