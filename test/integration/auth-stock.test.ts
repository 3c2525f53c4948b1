import { Server } from "@hocuspocus/server";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { Auth } from "../../extensions/auth/index.ts";
import { type Client, type ClientOptions, openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { signToken, testSecret } from "../support/tokens.ts";

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

test("on a stock Hocuspocus server: tokens, comment-only, presence, expiry and revocation", async () => {
	const auth = new Auth({
		jwt: { secret: testSecret, clockToleranceMs: 0 },
		allowedOrigins: ["https://app.example"],
		logger: quiet,
	});
	const server = new Server({ port: 0, quiet: true, stopOnSignals: false, extensions: [auth] });
	await server.listen();
	const clients: Client[] = [];
	onTestFinished(async () => {
		for (const client of clients) client.destroy();
		await server.destroy();
	});
	const open = (options: Partial<ClientOptions>) => {
		const client = openClient({ url: server.webSocketURL, name: "doc", ...options });
		clients.push(client);
		return client;
	};

	const denied = open({ token: "nonsense" });
	await eventually("the refusal", () => denied.denials.includes("token-invalid"));

	const ann = await open({ token: await signToken({ sub: "u-ann", name: "Ann" }) })
		.type("the text")
		.saved();
	const permissions = { "*": { write: ["comments"] } };
	const guest = await open({
		token: await signToken({ sub: "u-guest", permissions, iat: 1_700_000_000 }),
	}).synced();
	guest.document.getMap("comments").set("one", "why?");
	await guest.saved();
	await eventually("the comment", () => ann.document.getMap("comments").get("one"));
	guest.text.delete(0, 8);
	await ann.type("!").saved();
	await eventually("the guest to read", () => guest.text.toString().endsWith("!"));
	expect(ann.text.toString()).toBe("the text!");
	expect(guest.provider.unsyncedChanges).toBe(1);

	ann.provider.setAwarenessField("user", { name: "The Boss" });
	const annSeen = () =>
		guest.provider.awareness?.getStates().get(ann.document.clientID) as { user?: object } | undefined;
	await eventually("ann's cursor", () => annSeen()?.user);
	expect(annSeen()?.user).toEqual({ name: "Ann", id: "u-ann" });

	expect(auth.revoke({ user: "u-guest", action: "close" })).toBe(1);
	await eventually("to be kept out", () => guest.denials.includes("access-revoked"));

	const brief = open({ token: await signToken({ sub: "u-brief" }, { expiresInS: 2 }) });
	await brief.synced();
	await eventually("the end", () => brief.closes.some(({ reason }) => reason === "token-expired"));

	const answer = (origin: string) =>
		new Promise<number | undefined>((resolve, reject) => {
			const ws = new WebSocket(server.webSocketURL, { origin });
			ws.once("open", () => resolve(101));
			ws.once("unexpected-response", (_request, response) => resolve(response.statusCode));
			ws.once("error", reject);
			onTestFinished(() => ws.terminate());
		});
	expect(await answer("https://app.example")).toBe(101);
	expect(await answer("https://evil.example")).toBe(403);
});
