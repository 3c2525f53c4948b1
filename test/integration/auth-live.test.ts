import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { Auth, type AuthEvent, type AuthOptions } from "../../extensions/auth/index.ts";
import type { Client } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { type LocalNode, startLocalNode } from "../support/local-node.ts";
import { signToken, testSecret } from "../support/tokens.ts";
import { authenticationFrame, updateFrame } from "../support/wire-frames.ts";

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

interface AuthNode extends LocalNode {
	readonly auth: Auth;
	readonly events: AuthEvent[];
}

async function startWith(options: AuthOptions = {}): Promise<AuthNode> {
	const events: AuthEvent[] = [];
	const onEvent = (event: AuthEvent) => void events.push(event);
	const auth = new Auth({
		logger: quiet,
		jwt: { secret: testSecret, clockToleranceMs: 0 },
		onEvent,
		...options,
	});
	return { ...(await startLocalNode({ extensions: [auth] })), auth, events };
}

describe("[ACC3] a token that expires on an open connection", () => {
	test("is asked for again, and the new one counts", async () => {
		const node = await startWith({ askAheadMs: 60_000 });
		const tokens = [
			await signToken({ sub: "ann" }, { expiresInS: 50 }),
			await signToken({ sub: "ann", readonlyDocumentNames: ["*"] }, { expiresInS: 3_600 }),
		];
		const ann = node.client("doc", { token: () => tokens.shift() ?? "none left" });
		await ann.type("one ").saved();
		await eventually("the new token to count", () => ann.provider.authorizedScope === "readonly");
		expect(tokens).toEqual([]);
		ann.type("not saved");
		const reader = await node.client("doc", { token: await signToken() }).synced();
		expect(reader.text.toString()).toBe("one ");
		expect(ann.closes).toEqual([]);
	});

	test("ends it when no new one comes", async () => {
		const node = await startWith();
		const ann = node.client("doc", { token: await signToken({ sub: "ann" }, { expiresInS: 2 }) });
		await ann.synced();
		await eventually("the end", () => ann.closes.length > 0);
		expect(ann.closes[0]).toEqual({ code: 4401, reason: "token-expired" });
		await eventually("to be refused", () => ann.denials.includes("token-expired"));
		expect(node.events).toContainEqual({ type: "expired", action: "close" });
	});

	test("leaves reading when it is to, and a later token brings writing back", async () => {
		const node = await startWith({ expiryAction: "readonly" });
		let token = await signToken({ sub: "ann" }, { expiresInS: 2 });
		const ann = await node.client("doc", { token: () => token }).synced();
		await eventually("reading only", () => ann.provider.authorizedScope === "readonly");
		const bob = await node.client("doc", { token: await signToken({ sub: "bob" }) }).synced();
		ann.type("a");
		await bob.type("b").saved();
		await eventually("ann to read", () => ann.text.toString().includes("b"));
		expect(bob.text.toString()).toBe("b");
		expect(ann.closes).toEqual([]);
		token = await signToken({ sub: "ann" });
		await ann.provider.sendToken();
		await eventually("writing again", () => ann.provider.authorizedScope === "read-write");
		ann.provider.forceSync();
		await eventually("bob to get what ann wrote meanwhile", () => bob.text.toString().includes("a"));
	});

	test.for([
		["somebody else's", { sub: "eve" }],
		["one that is not for this document", { sub: "ann", allowedDocumentNames: ["other"] }],
	] as const)("is not replaced by %s", async ([, claims]) => {
		const node = await startWith({ askAheadMs: 60_000 });
		const tokens = [await signToken({ sub: "ann" }, { expiresInS: 50 }), await signToken({ ...claims })];
		const ann = await node.client("doc", { token: () => tokens.shift() ?? "none left" }).synced();
		await eventually("the end", () => ann.closes.length > 0);
		expect(ann.closes[0]).toEqual({ code: 4401, reason: "token-refused" });
	});
});

describe("[ACC3] a revocation", () => {
	test("ends a user's connections and refuses the same token, not a later one", async () => {
		const node = await startWith();
		const past = Math.floor(Date.now() / 1_000) - 10;
		const old = await signToken({ sub: "ann", iat: past });
		const ann = await node.client("doc", { token: old }).synced();
		const bob = await node.client("doc", { token: await signToken({ sub: "bob" }) }).synced();
		expect(node.auth.revoke({ user: "ann", action: "close" })).toBe(1);
		await eventually("the end", () => ann.closes.length > 0);
		expect(ann.closes[0]).toEqual({ code: 4403, reason: "access-revoked" });
		await eventually("to be refused", () => ann.denials.includes("access-revoked"));
		await bob.type("still here").saved();
		const later = await signToken({ sub: "ann", iat: past + 60 });
		await node.client("doc", { token: later }).synced();
	});

	test("leaves reading, on one document", async () => {
		const node = await startWith();
		const token = await signToken({ sub: "ann", iat: Math.floor(Date.now() / 1_000) - 10 });
		const here = await node.client("doc", { token }).synced();
		const there = await node.client("other", { token }).synced();
		expect(node.auth.revoke({ user: "ann", document: "doc", action: "readonly" })).toBe(1);
		await eventually("reading only", () => here.provider.authorizedScope === "readonly");
		await there.type("x").saved();
		const again = await node.client("doc", { token }).synced();
		expect(again.provider.authorizedScope).toBe("readonly");
	});

	test("ends whom an onAuthenticate hook let in, by the user that it named", async () => {
		const auth = new Auth({ logger: quiet });
		const node = await startLocalNode({
			extensions: [auth],
			onAuthenticate: async ({ token }) => ({ user: { id: token } }),
		});
		const ann = await node.client("doc", { token: "ann" }).synced();
		const bob = await node.client("doc", { token: "bob" }).synced();
		expect(auth.revoke({ user: "ann", action: "close" })).toBe(1);
		await eventually("the end", () => ann.closes.length > 0);
		expect(bob.closes).toEqual([]);
	});
});

describe("[ACC2] somebody who may only comment", () => {
	const permissions = { "*": { write: ["comments"] } };

	async function meet(): Promise<{ node: AuthNode; editor: Client; guest: Client }> {
		const node = await startWith();
		const editor = await node.client("doc", { token: await signToken({ sub: "ed" }) }).synced();
		await editor.type("the text").saved();
		const guest = await node
			.client("doc", { token: await signToken({ sub: "guest", permissions }) })
			.synced();
		return { node, editor, guest };
	}

	test("comments, and is acknowledged", async () => {
		const { editor, guest } = await meet();
		await guest.saved();
		const comment = new Y.Map<unknown>();
		guest.document.getMap("comments").set("one", comment);
		comment.set("body", new Y.Text("why?"));
		for (let count = 0; count < 20; count += 1) (comment.get("body") as Y.Text).insert(0, "hm ");
		await guest.saved();
		const body = () => (editor.document.getMap("comments").get("one") as Y.Map<Y.Text>).get("body");
		await eventually("the comment", () => body()?.toString() === `${"hm ".repeat(20)}why?`);
		expect(guest.provider.authorizedScope).toBe("read-write");
	});

	test("an edit elsewhere is refused and not applied; the connection stays and reads on", async () => {
		const { node, editor, guest } = await meet();
		await guest.saved();
		guest.text.insert(0, "not ");
		await eventually("the refusal", () => node.events.some(({ type }) => type === "edit-refused"));
		await editor.type(" goes on").saved();
		await eventually("the guest to read", () => guest.text.toString().includes("goes on"));
		expect(editor.text.toString()).toBe("the text goes on");
		expect(guest.provider.unsyncedChanges).toBe(1);
		expect(guest.closes).toEqual([]);
	});

	test("what follows a refused edit in the same copy is refused, too, as Yjs could not place it; a new copy is not", async () => {
		const { node, editor, guest } = await meet();
		await guest.saved();
		guest.text.insert(0, "not ");
		guest.document.getMap("comments").set("two", "behind it");
		await eventually(
			"both refusals",
			() =>
				guest.provider.unsyncedChanges === 2 &&
				node.events.filter(({ type }) => type === "edit-refused").length === 2,
		);
		guest.destroy();
		const again = await node.client("doc", { token: await signToken({ permissions }) }).synced();
		again.document.getMap("comments").set("three", "anew");
		await again.saved();
		await eventually("the comment", () => editor.document.getMap("comments").get("three"));
		expect(editor.document.getMap("comments").get("two")).toBeUndefined();
		const [document] = node.node.hocuspocus.documents.values();
		expect(document?.store.pendingStructs).toBeNull();
	});

	test("a transaction that touches both is refused as a whole", async () => {
		const { editor, guest } = await meet();
		await guest.saved();
		guest.document.transact(() => {
			guest.document.getMap("comments").set("three", "sneaky");
			guest.text.delete(0, 4);
		});
		guest.document.getMap("comments").set("four", "builds on nothing of it");
		await editor.type("!").saved();
		await eventually("the guest to read", () => guest.text.toString().endsWith("!"));
		expect(editor.text.toString()).toBe("the text!");
		expect(editor.document.getMap("comments").get("three")).toBeUndefined();
	});

	test("what was written offline comes in when it is comments, and does not when it is not", async () => {
		const { node, editor } = await meet();
		const offline = (change: (document: Y.Doc) => void) => {
			const document = new Y.Doc();
			change(document);
			return document;
		};
		const token = await signToken({ sub: "guest", permissions });
		const document = offline((doc) => doc.getMap("comments").set("offline", true));
		await node.client("doc", { token, document }).saved();
		await eventually("the comment", () => editor.document.getMap("comments").get("offline"));
		const wrong = node.client("doc", {
			token,
			document: offline((doc) => doc.getText("text").insert(0, "x")),
		});
		await wrong.synced();
		await eventually("the refusal", () => node.events.some(({ type }) => type === "edit-refused"));
		expect(wrong.provider.hasUnsyncedChanges).toBe(true);
		await editor.type("?").saved();
		expect(editor.text.toString()).toBe("the text?");
		expect(wrong.closes).toEqual([]);
	});

	test("is held to it by the first message already, that comes while the document is loaded", async () => {
		const loading = Promise.withResolvers<void>();
		const node = await startLocalNode({
			authJwtSecret: testSecret,
			onLoadDocument: async () => loading.promise,
		});
		const token = await signToken({ permissions });
		const early = new WebSocket(node.url);
		await new Promise((resolve) => early.once("open", resolve));
		const forbidden = new Y.Doc();
		forbidden.getText("text").insert(0, "too early");
		const allowed = new Y.Doc();
		allowed.getArray("comments").push(["early"]);
		early.send(authenticationFrame("doc", token));
		for (const document of [forbidden, allowed])
			early.send(updateFrame("doc", Y.encodeStateAsUpdate(document)));
		await eventually("the document to be loading", () => node.node.hocuspocus.loadingDocuments.has("doc"));
		loading.resolve();
		const editor = await node.client("doc", { token: await signToken() }).synced();
		await eventually("the comment", () => editor.document.getArray("comments").length === 1);
		expect(editor.text.toString()).toBe("");
		early.terminate();
	});

	test("also while a hook watches messages", async () => {
		const auth = new Auth({ logger: quiet, jwt: { secret: testSecret } });
		const node = await startLocalNode({ extensions: [auth], beforeHandleMessage: async () => {} });
		const editor = await node
			.client("doc", { token: await signToken() })
			.type("the text")
			.saved();
		const guest = await node.client("doc", { token: await signToken({ permissions }) }).saved();
		const list = guest.document.getArray("comments");
		for (let count = 0; count < 10; count += 1) list.push([count]);
		guest.text.insert(0, "not ");
		await eventually("all comments", () => editor.document.getArray("comments").length === 10);
		await eventually("the refusal", () => guest.provider.unsyncedChanges === 1);
		expect(editor.text.toString()).toBe("the text");
		expect(guest.closes).toEqual([]);
	});
});
