import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
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

test("[TRN5] [CON1] what is large goes to one after the other, turn by turn, and others' edits between; each gets all in order", async () => {
	const server = new HandServer();
	const [author, quiet, onlooker] = [
		await server.client("doc"),
		await server.client("quiet"),
		await server.client("quiet"),
	];
	const lookers = await Promise.all(Array.from({ length: 8 }, () => server.client("doc")));
	const having = (letters: number) =>
		lookers.filter(({ text }) => text.toString().replaceAll("x", "").length >= letters).length;
	author.type("x".repeat(100_000).concat("a"));
	while (having(1) === 0) await new Promise((resolve) => setImmediate(resolve));
	expect(having(1)).toBeLessThan(3);
	quiet.type("hello");
	while (onlooker.received.length === 0) await new Promise((resolve) => setImmediate(resolve));
	expect(having(1)).toBeLessThan(8);
	// What comes next does not overtake it; who leaves or comes meanwhile changes nothing for the others.
	lookers.pop()?.destroy();
	author.type("b");
	const late = await server.client("doc");
	await eventually("all to have all", () => having(2) === 7 && late.text.length === 100_002);
	for (const { text, document, received } of lookers) {
		expect(text.toString()).toBe(author.text.toString());
		expect(document.store.pendingStructs).toBeNull();
		expect(received).toHaveLength(2);
	}
});

test("[TRN2] who reads too slowly for what is large gets the rest as one difference, all of it", async () => {
	const server = new HandServer({ readerBacklogBytesMax: 150_000 });
	const author = await server.client("doc");
	const lookers = await Promise.all(Array.from({ length: 4 }, () => server.client("doc")));
	for (const { socket } of lookers) socket.pause();
	for (const letter of "abcd") {
		author.type(letter.concat("x".repeat(100_000)));
		await new Promise((resolve) => setImmediate(resolve));
	}
	await eventually("all to be behind", () => server.sync.stats().slowReaders === lookers.length);
	for (const { socket } of lookers) socket.resume();
	await eventually("all to have all", () =>
		lookers.every(({ text }) => text.toString() === author.text.toString()),
	);
});
