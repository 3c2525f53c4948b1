/** What the server says of itself: whether it can save, and if not, why. */
export type ServerReadiness =
	| { readonly status: "away" }
	| { readonly status: "ready" }
	| { readonly status: "not-ready"; readonly reasons: readonly string[] };

/** Asks `/readyz`. Never rejects. */
export async function askReadiness(signal: AbortSignal): Promise<ServerReadiness> {
	try {
		const response = await fetch("/readyz", { cache: "no-store", signal });
		const body: unknown = await response.json();
		if (typeof body !== "object" || body === null || !("ready" in body)) return { status: "away" };
		if (body.ready === true) return { status: "ready" };
		const reasons = "reasons" in body && Array.isArray(body.reasons) ? body.reasons.map(String) : [];
		return { status: "not-ready", reasons };
	} catch {
		return { status: "away" };
	}
}
