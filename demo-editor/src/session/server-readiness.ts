/** What the server says of itself: whether it can save, and if not, why. */
export type ServerReadiness =
	| { readonly status: "away" }
	/** It takes the question and does not answer. */
	| { readonly status: "silent" }
	| { readonly status: "ready" }
	| { readonly status: "not-ready"; readonly reasons: readonly string[] };

const patienceMs = 4_000;

/** Asks `/readyz`. Never rejects. */
export async function askReadiness(signal: AbortSignal): Promise<ServerReadiness> {
	const deadline = AbortSignal.timeout(patienceMs);
	try {
		const response = await fetch("/readyz", {
			cache: "no-store",
			signal: AbortSignal.any([signal, deadline]),
		});
		const body: unknown = await response.json();
		if (typeof body !== "object" || body === null || !("ready" in body)) return { status: "away" };
		if (body.ready === true) return { status: "ready" };
		const reasons = "reasons" in body && Array.isArray(body.reasons) ? body.reasons.map(String) : [];
		return { status: "not-ready", reasons };
	} catch {
		return { status: deadline.aborted ? "silent" : "away" };
	}
}
