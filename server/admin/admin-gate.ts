import { createHash, timingSafeEqual } from "node:crypto";
import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context, Next } from "hono";
import { clientAddress, type TrustedProxies } from "../transport/client-address.ts";
import { WrongTokens } from "../transport/wrong-tokens.ts";
import { SignedInBrowsers } from "./signed-in-browsers.ts";

export interface AdminGateOptions {
	readonly token: string;
	readonly trustedProxies: TrustedProxies;
	/** Monotonic, in ms. */
	readonly now?: () => number;
}

/**
 * Lets through who shows the admin token as `Authorization: Bearer …`. An address from which ten wrong ones came waits for a minute,
 * right or wrong, but for browsers that have shown the right one before. No token, as of a page that has not asked for it yet, counts
 * as none.
 */
export function adminGate({ token, trustedProxies, now = () => performance.now() }: AdminGateOptions) {
	const wrongTokens = new WrongTokens();
	const signedIn = new SignedInBrowsers();
	return async (context: Context, next: Next): Promise<Response | undefined> => {
		context.header("Cache-Control", "no-store");
		const address = addressOf(context, trustedProxies);
		const leftMs = wrongTokens.leftMs(address, now());
		if (leftMs > 0 && !(await signedIn.has(context, now()))) {
			context.header("Retry-After", String(Math.ceil(leftMs / 1_000)));
			return context.json(
				{ error: "too many wrong admin tokens came from your address: wait a minute" },
				429,
			);
		}
		const given = /^Bearer (.+)$/i.exec(context.req.header("authorization") ?? "")?.[1];
		if (given !== undefined && isSame(given, token)) {
			await signedIn.note(context, now());
			await next();
			return undefined;
		}
		if (given !== undefined) wrongTokens.note(address, now());
		context.header("WWW-Authenticate", "Bearer");
		return context.json({ error: "the admin token is missing or wrong" }, 401);
	};
}

/** Takes as long for a token that is nearly right as for any other. */
function isSame(given: string, token: string): boolean {
	const hash = (text: string) => createHash("sha256").update(text).digest();
	return timingSafeEqual(hash(given), hash(token));
}

function addressOf(context: Context, trustedProxies: TrustedProxies): string | undefined {
	const { remote } = getConnInfo(context);
	return clientAddress(remote.address, context.req.header("x-forwarded-for"), trustedProxies);
}
