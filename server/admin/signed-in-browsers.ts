import { randomBytes } from "node:crypto";
import type { Context } from "hono";
import { getSignedCookie, setSignedCookie } from "hono/cookie";

const keptS = 12 * 60 * 60;

/**
 * Tells browsers that have shown the right token lately from all others, by a cookie that is signed with a key of this process. It
 * opens nothing: whoever has it still has to show the token, and only need not wait for the mistakes of others at the same address.
 */
export class SignedInBrowsers {
	readonly #key = randomBytes(32);
	/** Nodes behind one name, and on the ports of one machine, don't overwrite each other's. */
	readonly #name = `indelible-operator-${randomBytes(4).toString("hex")}`;

	async has(context: Context, nowMs: number): Promise<boolean> {
		return (await this.#leftMs(context, nowMs)) > 0;
	}

	/** The token was right. */
	async note(context: Context, nowMs: number): Promise<void> {
		if ((await this.#leftMs(context, nowMs)) > (keptS * 1_000) / 2) return;
		const value = String(Math.round(nowMs + keptS * 1_000));
		const options = { path: "/api", httpOnly: true, sameSite: "Strict", maxAge: keptS } as const;
		await setSignedCookie(context, this.#name, value, this.#key, options);
	}

	async #leftMs(context: Context, nowMs: number): Promise<number> {
		if (context.req.header("cookie")?.includes(this.#name) !== true) return 0;
		const untilMs = await getSignedCookie(context, this.#key, this.#name);
		return typeof untilMs === "string" ? Number(untilMs) - nowMs : 0;
	}
}
