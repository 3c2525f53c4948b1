import { HocuspocusProvider, type HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";

/** One more document on a socket that is open already, as a page that its framework puts on the screen. */
function mount(
	websocketProvider: HocuspocusProviderWebsocket,
	sessionAwareness = false,
	token: string | null = null,
): HocuspocusProvider {
	const provider = new HocuspocusProvider({ websocketProvider, name: "page", token, sessionAwareness });
	provider.attach();
	onTestFinished(() => provider.destroy());
	return provider;
}

async function saved(provider: HocuspocusProvider): Promise<void> {
	await eventually("the page to be saved", () => provider.isSynced && !provider.hasUnsyncedChanges);
}

const text = (provider: HocuspocusProvider) => provider.document.getText("text");

for (const sessionAwareness of [false, true]) {
	const sessions = sessionAwareness ? " with session awareness" : "";

	test(`[CON1] a document that is left and opened again in the same moment is saved${sessions}`, async () => {
		const { node, client } = await startLocalNode();
		const { socket, closes } = await client("other").synced();
		const first = mount(socket, sessionAwareness);
		await saved(first);
		// Somebody else keeps it in memory; one that is unloaded meanwhile would end the socket, see AckGate.
		await client("page").synced();
		first.detach();
		first.attach();
		text(first).insert(0, "kept");
		await saved(first);
		// The others on the socket notice nothing.
		expect(closes).toEqual([]);
		expect(node.hocuspocus.documents.get("page")?.getText("text").toString()).toBe("kept");
	});

	test(`[CON1] a document that is opened twice before the first time has worked is saved${sessions}`, async () => {
		const { node, client } = await startLocalNode();
		const { socket } = await client("other").synced();
		mount(socket, sessionAwareness).destroy();
		const second = mount(socket, sessionAwareness);
		text(second).insert(0, "kept");
		await saved(second);
		await eventually(
			"the node to have it",
			() => node.hocuspocus.documents.get("page")?.getText("text").toString() === "kept",
		);
	});

	test(`[CON1] a document that is left while it loads, and opened again, is saved${sessions}`, async () => {
		const loaded = Promise.withResolvers<void>();
		const loading = Promise.withResolvers<void>();
		const { node, client } = await startLocalNode({
			async onLoadDocument({ documentName }) {
				if (documentName !== "page") return;
				loading.resolve();
				await loaded.promise;
			},
		});
		const { socket } = await client("other").synced();
		const first = mount(socket, sessionAwareness);
		await loading.promise;
		first.destroy();
		const second = mount(socket, sessionAwareness);
		text(second).insert(0, "kept");
		// An answer to this comes after the server has all of the above.
		await client("another").synced();
		loaded.resolve();
		await saved(second);
		await eventually(
			"the node to have it",
			() => node.hocuspocus.documents.get("page")?.getText("text").toString() === "kept",
		);
	});

	test(`[CON1] a document that was refused, and is left and opened again with the right token, is saved${sessions}`, async () => {
		const { node, client } = await startLocalNode({
			async onAuthenticate({ documentName, token }) {
				if (documentName === "page" && token === "") throw new Error("not without a token");
			},
		});
		const { socket, closes } = await client("other").synced();
		const denials: string[] = [];
		const refused = mount(socket, sessionAwareness);
		refused.on("authenticationFailed", ({ reason }: { reason: string }) => denials.push(reason));
		await eventually("a refusal", () => denials.length > 0);
		// Somebody may type in it all the same: what was refused is not to be part of what is opened later.
		text(refused).insert(0, "refused");
		refused.destroy();
		const second = mount(socket, sessionAwareness, "let me in");
		await saved(second);
		text(second).insert(0, "kept");
		await saved(second);
		expect(closes).toEqual([]);
		expect(node.hocuspocus.documents.get("page")?.getText("text").toString()).toBe("kept");
	});
}

test("[DUR1] the acknowledgement of an edit made before leaving is not taken for one of what was typed since", async () => {
	const { store, client } = await startLocalNode();
	const { socket } = await client("other").synced();
	const page = mount(socket);
	await saved(page);
	const release = store.hold();
	text(page).insert(0, "before ");
	page.detach();
	text(page).insert(7, "between");
	page.attach();
	await client("another").synced();
	expect(page.hasUnsyncedChanges).toBe(true);
	release();
	await saved(page);
});
