import type { IncomingMessage } from "node:http";

/** The `Request` of the Fetch standard that Hocuspocus hands to hooks. Whatever a client sends, it does not throw. */
export function toWebRequest(request: IncomingMessage): Request {
	const url =
		URL.parse(request.url ?? "/", `http://${request.headers.host ?? "localhost"}`) ??
		new URL("http://localhost/");
	// `Request` refuses a URL with credentials.
	url.username = "";
	url.password = "";
	const headers = new Headers();
	for (const [name, values] of Object.entries(request.headersDistinct)) {
		for (const value of values ?? []) headers.append(name, value);
	}
	return new Request(url, { headers });
}
