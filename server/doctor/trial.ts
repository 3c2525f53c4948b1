import { randomInt } from "node:crypto";
import { unescape as decode } from "node:querystring";

/** A running deployment, as its checks need it. */
export interface Deployment {
	readonly url: URL;
	readonly token: string;
	readonly documentName: string;
	readonly adminToken: string | undefined;
}

/** A key or a name of one's own, that no other doctor takes at the same time. */
export function mark(): string {
	return `doctor-${randomInt(2 ** 47).toString(36)}`;
}

/** A URL as it may be shown, and its name and password as the header that they are for HTTP. */
export function withoutPassword(url: URL): { readonly url: URL; readonly headers: Record<string, string> } {
	const { username, password } = url;
	if (username === "" && password === "") return { url, headers: {} };
	const bare = new URL(url);
	bare.username = "";
	bare.password = "";
	const pair = Buffer.from(`${decode(username)}:${decode(password)}`).toString("base64");
	return { url: bare, headers: { authorization: `Basic ${pair}` } };
}
