import { expect, test } from "vitest";
import { HandServer } from "../support/hand-server.ts";

/** Turns of the event loop until somebody else has what a quiet person typed, while others flood their document. */
async function turnsBeside(noisyEdits: number): Promise<number> {
	const server = new HandServer();
	const noisy = await Promise.all(Array.from({ length: 4 }, () => server.client("noisy")));
	const [author, onlooker] = [await server.client("quiet"), await server.client("quiet")];
	for (const client of noisy) {
		for (let edit = 0; edit < noisyEdits; edit += 1)
			client.text.insert(client.text.length >> 1, "a rather long word, and some more of them ".repeat(5));
		client.send();
	}
	author.type("hello");
	let turns = 0;
	while (onlooker.received.length === 0) {
		await new Promise((resolve) => setImmediate(resolve));
		turns += 1;
		for (const client of noisy) client.text.insert(0, "x");
		for (const client of noisy) client.send();
		if (turns > 1_000) break;
	}
	expect(onlooker.text.toString()).toBe("hello");
	return turns;
}

test("[TRN5] a quiet document's edits are passed on as few turns after they came, however many another document takes", async () => {
	const turns = [await turnsBeside(0), await turnsBeside(100), await turnsBeside(2_000)];
	for (const each of turns) expect(each).toBeLessThanOrEqual(2);
});

test("[TRN5] [DUR1] a quiet document's edits are acknowledged with the next commit, and not after all that another document has waiting", async () => {
	const server = new HandServer();
	const [noisy, quiet] = [await server.client("noisy"), await server.client("quiet")];
	for (let edit = 0; edit < 3_000; edit += 1) noisy.text.insert(0, "a rather long word ".repeat(20));
	noisy.send();
	quiet.type("hello");
	const before = server.durability.stats().commits;
	while (quiet.acknowledgements < 2) await new Promise((resolve) => setImmediate(resolve));
	expect(server.durability.stats().commits - before).toBeLessThanOrEqual(3);
});
