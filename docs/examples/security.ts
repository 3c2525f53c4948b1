import { createServer } from "node:http";
import { SignJWT } from "jose";
import { signTicket } from "../../extensions/auth/index.ts";

// The examples of docs/security.md, which quotes this file. test/integration/auth-examples.test.ts runs them.

export function makeToken(user: { id: string; name: string }, secret: string): Promise<string> {
	return new SignJWT({ name: user.name, permissions: { [`${user.id}/*`]: "write", "handbook/*": "read" } })
		.setProtectedHeader({ alg: "HS256" })
		.setSubject(user.id)
		.setIssuedAt()
		.setExpirationTime("15 minutes")
		.sign(new TextEncoder().encode(secret));
}

export const webhook = createServer(async (request, response) => {
	if (request.headers.authorization !== `Bearer ${process.env.WEBHOOK_SECRET}`)
		return response.writeHead(401).end();
	let body = "";
	for await (const chunk of request) body += chunk;
	const { token, documentName } = JSON.parse(body);
	if (token !== "a token of our own" || documentName !== "plan") return response.writeHead(403).end();
	const user = { id: "u-7", name: "Ann" };
	return response.end(JSON.stringify({ access: { write: ["comments"] }, user }));
});

export function ticketAddress(server: string, documentName: string, secret: string): string {
	const ticket = signTicket(secret, { documentName, permission: "read", user: { name: "A guest" } });
	return `${server}/?ticket=${ticket}`;
}

export function endAccess(server: string, user: string, adminToken: string): Promise<Response> {
	return fetch(`${server}/api/auth/revoke`, {
		method: "POST",
		headers: { Authorization: `Bearer ${adminToken}` },
		body: JSON.stringify({ user, action: "close" }),
	});
}
