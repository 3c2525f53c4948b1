import type { Configuration } from "./configuration.ts";
import { UserError } from "./user-error.ts";

/** Of an answer. */
export interface OperatorAnswer {
	readonly status: number;
	/** Parsed JSON; `undefined` without a body. */
	readonly body: unknown;
}

/** Asks a running node what only operators may. */
export type AskNode = (method: "GET" | "POST" | "DELETE", path: string) => Promise<OperatorAnswer>;

const patienceMs = 60_000;

/**
 * @param url Of the node, or of what is in front of it; with a path when the node's own paths are below it there.
 * @throws {UserError} when it is none, or there is no admin token to show.
 */
export function operatorClient(url: string, { settings: { adminToken } }: Configuration): AskNode {
	const base = URL.parse(url.replace(/^ws(?=s?:)/i, "http"));
	if (base === null || !["http:", "https:"].includes(base.protocol) || isMore(base))
		throw new UserError(
			"--url must be a URL like http://10.0.0.7:1234 or https://ops.example.com/indelible, without a name, a password or a query",
		);
	if (adminToken === undefined)
		throw new UserError("--url needs the admin token of the node: INDELIBLE_ADMIN_TOKEN");
	const address = `${base.origin}${base.pathname.replace(/\/+$/, "")}`;
	return async (method, path) => {
		const headers = { Authorization: `Bearer ${adminToken}` };
		const signal = AbortSignal.timeout(patienceMs);
		let response: Response;
		try {
			response = await fetch(`${address}${path}`, { method, headers, signal, redirect: "error" });
		} catch (error) {
			const { cause, message } = error as Error;
			throw new UserError(
				`${base.origin} does not answer: ${(cause as Error | undefined)?.message || message}`,
			);
		}
		return await read(response, address);
	};
}

/** Than can be asked with a token. */
function isMore({ username, password, search, hash }: URL): boolean {
	return [username, password, search, hash].some((part) => part !== "");
}

async function read(response: Response, address: string): Promise<OperatorAnswer> {
	const { status } = response;
	const text = await response.text();
	if (status === 204) return { status, body: undefined };
	const body = response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : undefined;
	// A balancer, or a node without an admin token, has pages of its own.
	if (body === undefined)
		throw new UserError(
			`${address}/api answers with ${status} and no API: is there an admin token, and is it a node and not the balancer before it?`,
		);
	if (status === 401 || status === 429 || status >= 500)
		throw new UserError(`${address} says ${status}: ${errorIn(body)}`);
	return { status, body };
}

export function errorIn(body: unknown): string {
	const { error } = Object(body) as { readonly error?: unknown };
	return typeof error === "string" ? error : "no reason";
}
