import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { endAccess, makeToken, ticketAddress, webhook } from "../../docs/examples/security.ts";
import { accessByClaims } from "../../extensions/auth/claims.ts";
import { claimsSchema } from "../../extensions/auth/schemas.ts";
import { openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { startNodeProcess } from "../support/node-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testSecret } from "../support/tokens.ts";

const page = readFileSync(new URL("../../docs/security.md", import.meta.url), "utf8");

test("the page on security quotes the examples as they are", () => {
	const source = readFileSync(new URL("../../docs/examples/security.ts", import.meta.url), "utf8");
	const quoted = [...page.matchAll(/```ts\n((?:async )?(?:function|const) [\s\S]+?)\n```/g)].map(
		([, code = ""]) => code,
	);
	expect(quoted).toHaveLength(4);
	for (const code of quoted) expect(source).toContain(`export ${code}`);
});

test("the claims on the page mean what it says", () => {
	const [permissions, names] = [...page.matchAll(/```json\n([\s\S]+?)\n```/g)].map(([, text = ""]) =>
		claimsSchema.parse(JSON.parse(text)),
	);
	if (permissions === undefined || names === undefined) throw new Error("the page has no claims");
	const level = (claims: typeof permissions, name: string) => accessByClaims(claims, name).level;
	expect(
		["any", "team/7/x", "team/7/minutes", "team/7/salaries"].map((name) => level(permissions, name)),
	).toEqual(["read", "write", "roots", "none"]);
	expect(["team/7/x", "notes", "handbook/1", "other"].map((name) => level(names, name))).toEqual([
		"write",
		"write",
		"read",
		"none",
	]);
});

test("a token as on the page", async () => {
	const node = await startLocalNode({ authJwtSecret: testSecret });
	const token = await makeToken({ id: "u-7", name: "Ann" }, testSecret);
	await node.client("u-7/notes", { token }).type("mine").saved();
	const reader = await node.client("handbook/1", { token }).synced();
	expect(reader.provider.authorizedScope).toBe("readonly");
	const stranger = node.client("u-8/notes", { token });
	await eventually("the refusal", () => stranger.denials.includes("document-forbidden"));
});

test("a webhook as on the page", async () => {
	vi.stubEnv("WEBHOOK_SECRET", testSecret);
	await new Promise<void>((resolve) => webhook.listen(0, "127.0.0.1", resolve));
	onTestFinished(() => {
		webhook.close();
		webhook.closeAllConnections();
		vi.unstubAllEnvs();
	});
	const authWebhookUrl = `http://127.0.0.1:${(webhook.address() as AddressInfo).port}/`;
	const node = await startLocalNode({ authWebhookUrl, authWebhookSecret: testSecret });
	const ann = await node.client("plan", { token: "a token of our own" }).synced();
	ann.document.getMap("comments").set("one", "why?");
	await ann.saved();
	const eve = node.client("plan", { token: "another" });
	await eventually("the refusal", () => eve.denials.includes("document-forbidden"));
});

test("a ticket and a revocation as on the page", async () => {
	const adminToken = "the operator's very own token";
	const node = await startNodeProcess({
		data: temporaryFolder(),
		environment: {
			INDELIBLE_AUTH_TICKET_SECRET: testSecret,
			INDELIBLE_AUTH_JWT_SECRET: testSecret,
			INDELIBLE_ADMIN_TOKEN: adminToken,
		},
	});
	const guest = openClient({ url: ticketAddress(node.url, "news", testSecret), name: "news" });
	const token = await makeToken({ id: "u-7", name: "Ann" }, testSecret);
	const ann = openClient({ url: node.url, name: "u-7/notes", token });
	onTestFinished(async () => {
		for (const client of [guest, ann]) client.destroy();
		await node.stop("SIGKILL");
	});
	await guest.synced();
	await ann.synced();
	const answer = await endAccess(`http://127.0.0.1:${node.port}`, "u-7", adminToken);
	expect(await answer.json()).toEqual({ connections: 1 });
	await eventually("the end", () => ann.denials.includes("access-revoked"));
	expect(guest.closes).toEqual([]);
});
