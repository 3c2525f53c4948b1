import { expect, test } from "vitest";
import { Metrics } from "../../extensions/metrics/index.ts";
import { gatesAmong } from "../../extensions/sync/gate.ts";
import { UnwatchedHooks } from "../../extensions/sync/unwatched-hooks.ts";
import { startLocalNode } from "../support/local-node.ts";

/** What a node with these options takes for watched. */
async function watchedOn(options: Parameters<typeof startLocalNode>[0]) {
	const { hocuspocus } = (await startLocalNode(options)).node;
	const gates = gatesAmong(hocuspocus.configuration.extensions);
	return new UnwatchedHooks(hocuspocus, gates === undefined ? [] : [gates]);
}

const everything = {
	extensions: [new Metrics()],
	authJwtSecret: "a secret of thirty-two characters",
	otlpUrl: "http://127.0.0.1:9/v1/traces",
	lingerMs: 15_000,
};

test("nothing that a node brings itself turns the short ways off", async () => {
	const hooks = await watchedOn(everything);
	expect(hooks.areMessagesWatched).toBe(false);
	expect(hooks.isPresenceWatched).toBe(false);
	// Who opens a large document that is not in memory is sent it as it is stored.
	expect(hooks.isLoadingWatched).toBe(false);
});

test("a hook of its owner does", async () => {
	const hooks = await watchedOn({ ...everything, extensions: [{ async onLoadDocument() {} }] });
	expect(hooks.isLoadingWatched).toBe(true);
});
