import { createHash, timingSafeEqual } from "node:crypto";
import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context, Next } from "hono";
import { addressKey } from "../../extensions/limits/address-key.ts";
import { clientAddress, type TrustedProxies } from "../transport/client-address.ts";
import { SignedInBrowsers } from "./signed-in-browsers.ts";

export interface AdminGateOptions {
	readonly token: string;
	readonly trustedProxies: TrustedProxies;
	/** Monotonic, in ms. */
	readonly now?: () => number;
}

/** Wrong tokens from one address before it has to wait. */
const wrongMax = 10;
const waitMs = 60_000;
/** Addresses that are remembered; the oldest one goes first. */
const addressesMax = 1_000;

interface Attempts {
	wrong: number;
	/** When they are forgotten. */
	untilMs: number;
}

/**
 * Lets through who shows the admin token as `Authorization: Bearer …`. An address from which ten wrong ones came waits for a minute,
 * right or wrong, but for browsers that have shown the right one before. No token, as of a page that has not asked for it yet, counts
 * as none.
 */
export function adminGate({ token, trustedProxies, now = () => performance.now() }: AdminGateOptions) {
	const attempts = new Map<string, Attempts>();
	const signedIn = new SignedInBrowsers();
	const leftMs = (address: string) => {
		const made = attempts.get(address);
		return made === undefined || made.wrong < wrongMax ? 0 : Math.max(0, made.untilMs - now());
	};
	const noteWrong = (address: string) => {
		const made = attempts.get(address);
		attempts.delete(address);
		const isOld = made === undefined || made.untilMs <= now();
		attempts.set(address, { wrong: isOld ? 1 : made.wrong + 1, untilMs: now() + waitMs });
		const [oldest] = attempts.keys();
		if (attempts.size > addressesMax && oldest !== undefined) attempts.delete(oldest);
	};
	return async (context: Context, next: Next): Promise<Response | undefined> => {
		context.header("Cache-Control", "no-store");
		const address = addressOf(context, trustedProxies);
		const left = leftMs(address);
		if (left > 0 && !(await signedIn.has(context, now()))) {
			context.header("Retry-After", String(Math.ceil(left / 1_000)));
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
		if (given !== undefined) noteWrong(address);
		context.header("WWW-Authenticate", "Bearer");
		return context.json({ error: "the admin token is missing or wrong" }, 401);
	};
}

/** Takes as long for a token that is nearly right as for any other. */
function isSame(given: string, token: string): boolean {
	const hash = (text: string) => createHash("sha256").update(text).digest();
	return timingSafeEqual(hash(given), hash(token));
}

function addressOf(context: Context, trustedProxies: TrustedProxies): string {
	const { remote } = getConnInfo(context);
	const address = clientAddress(remote.address, context.req.header("x-forwarded-for"), trustedProxies);
	return addressKey(address, true) ?? "unknown";
}
