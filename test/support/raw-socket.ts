import { once } from "node:events";
import { onTestFinished } from "vitest";
import { type ClientOptions, WebSocket } from "ws";

/** A WebSocket beneath the provider. It goes when the test ends. */
export interface RawSocket {
	readonly ws: WebSocket;
	readonly received: Uint8Array[];
	/** With what the server has closed it, so far. */
	readonly closes: { readonly code: number; readonly reason: string }[];
}

export async function openRawSocket(url: string, options: ClientOptions = {}): Promise<RawSocket> {
	const ws = new WebSocket(url, options);
	onTestFinished(() => ws.terminate());
	const received: Uint8Array[] = [];
	const closes: RawSocket["closes"] = [];
	ws.on("message", (data: Buffer) => received.push(data));
	ws.on("error", () => {});
	ws.on("close", (code, reason) => closes.push({ code, reason: reason.toString() }));
	await once(ws, "open");
	return { ws, received, closes };
}

/** The HTTP status with which an upgrade is refused; 101 when it is not. */
export async function upgradeStatus(
	url: string,
	options: ClientOptions = {},
): Promise<{ readonly status: number; readonly retryAfter: string | undefined }> {
	const ws = new WebSocket(url, options);
	onTestFinished(() => ws.terminate());
	ws.on("error", () => {});
	return new Promise((resolve) => {
		ws.once("open", () => resolve({ status: 101, retryAfter: undefined }));
		ws.once("unexpected-response", (request, response) => {
			resolve({ status: response.statusCode ?? 0, retryAfter: response.headers["retry-after"] });
			request.destroy();
		});
	});
}
