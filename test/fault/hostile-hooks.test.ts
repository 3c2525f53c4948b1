import { expect, test, vi } from "vitest";
import { hookNames } from "../../server/hooks.ts";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";

/** Hooks that are called for the node and not for a document. */
const ofTheNode = new Set(["onConfigure", "onListen", "onUpgrade", "onRequest", "onDestroy", "onConnect"]);
const ofDocuments = hookNames.filter((name) => !ofTheNode.has(name));

/** Hooks that nothing calls here before everybody leaves, or whose document is not known. */
const untouched = new Set([
	"onCreateDocument",
	"onTokenSync",
	"onDisconnect",
	"beforeUnloadDocument",
	"afterUnloadDocument",
	"onStoreDocument",
	"afterStoreDocument",
	"beforeBroadcastStateless",
]);

const failures = {
	"throws at once": () => {
		throw new Error("of the hook");
	},
	rejects: () => Promise.reject(new Error("of the hook")),
	"rejects with nothing": () => Promise.reject(undefined),
	"rejects with text": () => Promise.reject("text"),
	"never ends": () => new Promise<never>(() => {}),
};

interface Payload {
	readonly documentName?: string;
}

test.for(Object.entries(failures))(
	"[TRN5] each hook that %s for a document of its own costs others nothing, and the node ends in time",
	async ([_name, fail]) => {
		vi.spyOn(console, "error").mockImplementation(() => {});
		const called = new Set<string>();
		const hooks = Object.fromEntries(
			ofDocuments.map((hook) => [
				hook,
				async ({ documentName }: Payload) => {
					if (documentName !== hook) return;
					called.add(hook);
					await fail();
				},
			]),
		);
		const local = await startLocalNode({ ...hooks, authTimeoutMs: 1_000 });
		const people = [await local.client("doc").synced(), await local.client("doc").synced()];
		const trapped = ofDocuments.map((hook) => local.client(hook));
		for (const { provider } of trapped) {
			provider.document.getText("text").insert(0, "in the trap");
			provider.setAwarenessField("user", { name: "Ada" });
			provider.sendStateless("anything");
		}
		for (const person of people) await person.type("one ").saved();
		const reached = ofDocuments.filter((hook) => !untouched.has(hook));
		await eventually("the hooks to be called", () => reached.every((hook) => called.has(hook)));
		for (const client of trapped) client.destroy();
		for (const person of people) await person.type("two ").saved();
		await eventually("the same text", () => people[0]?.text.toString() === people[1]?.text.toString());
		for (const { closes, denials } of people) expect([...closes, ...denials]).toEqual([]);
		await local.client("late").synced();
		await local.close();
	},
);
