import type { IncomingMessage, ServerResponse } from "node:http";
import type { Metrics } from "../extensions/metrics/index.ts";
import type { Readiness } from "./node.ts";

export interface PlainAnswersOptions {
	readonly readiness: () => Readiness;
	/** Without it there is no `/metrics`. */
	readonly metrics?: Pick<Metrics, "contentType" | "text"> | undefined;
}

/** Answers a request if it is for one of these. Never rejects. @returns Whether it was. */
export type PlainAnswer = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

interface Answer {
	readonly status: number;
	readonly contentType: string;
	readonly body: string;
}

/**
 * What machines ask for every few seconds: health, metrics. It needs nothing but Node.js. A node that serves no pages never loads what
 * serves them: a tenth of a second of processor at the first request, and 16 MB.
 */
export function plainAnswers({ readiness, metrics }: PlainAnswersOptions): PlainAnswer {
	const routes = new Map<string, () => Answer | Promise<Answer>>([
		["/healthz", () => json(200, { status: "alive" })],
		["/readyz", () => jsonOf(readiness())],
	]);
	if (metrics !== undefined) routes.set("/metrics", () => textOf(metrics));
	return async ({ method, url = "" }, response) => {
		const route = method === "GET" || method === "HEAD" ? routes.get(pathOf(url)) : undefined;
		if (route === undefined) return false;
		let answer: Answer;
		try {
			answer = await route();
		} catch {
			// A registry of somebody else's.
			answer = { status: 500, contentType: "text/plain", body: "" };
		}
		const { status, contentType, body } = answer;
		response.writeHead(status, {
			"Content-Type": contentType,
			"Content-Length": Buffer.byteLength(body),
			"Cache-Control": "no-store",
			...headers,
		});
		response.end(body);
		return true;
	};
}

/** Nobody is to take it for a page. */
const headers = {
	"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
	"Referrer-Policy": "no-referrer",
	"X-Content-Type-Options": "nosniff",
	"X-Frame-Options": "DENY",
};

function jsonOf(state: Readiness): Answer {
	return json(state.ready ? 200 : 503, state);
}

function json(status: number, content: object): Answer {
	return { status, contentType: "application/json", body: JSON.stringify(content) };
}

async function textOf(metrics: Pick<Metrics, "contentType" | "text">): Promise<Answer> {
	return { status: 200, contentType: metrics.contentType, body: await metrics.text() };
}

/** Of a request's target, which may be a whole URL (RFC 9112, 3.2.2). */
function pathOf(url: string): string {
	if (!url.startsWith("/")) return URL.parse(url)?.pathname ?? "";
	return url.split("?", 1)[0] ?? "";
}
