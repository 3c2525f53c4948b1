import { expect, test } from "vitest";
import type { Awareness } from "y-protocols/awareness";
import type { Client } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { HandServer } from "../support/hand-server.ts";
import { startLocalNode } from "../support/local-node.ts";
import { Random, testSeed } from "../support/random.ts";

const people = 300;

function turn(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}

function statesOf({ states }: Awareness): string {
	return JSON.stringify([...states].sort(([one], [other]) => one - other));
}

test("three hundred move their cursors: everybody sees where each of them is in the end, and who leaves is gone", async () => {
	const random = new Random(testSeed("presence"));
	const server = new HandServer();
	const clients = await Promise.all(Array.from({ length: people }, () => server.client()));
	for (let move = 0; move < 900; move += 1) {
		const { awareness } = random.pick(clients).send();
		awareness.setLocalState({ cursor: random.below(10_000) });
		if (random.chance(0.05)) await turn();
	}
	for (const [index, client] of clients.entries()) {
		client.awareness.setLocalState({ cursor: index });
		client.send();
	}
	const seesAll = (count: number) => () =>
		clients.every(
			({ awareness }) =>
				awareness.states.size === count && statesOf(awareness) === statesOf(server.document.awareness),
		);
	await eventually("everybody to see everybody", seesAll(people));
	for (const client of clients.splice(0, 100)) client.socket.hangUp();
	await eventually("those who left to be gone", seesAll(people - 100));
	for (const client of clients.splice(0, 100)) {
		client.awareness.setLocalState(null);
		client.send();
	}
	await eventually("those who hide to be gone", seesAll(people - 200));
});

test("who says where they are hears it back every time, moved or not: a provider takes a silent server for dead", async () => {
	const server = new HandServer();
	const client = await server.client();
	for (let time = 1; time <= 5; time += 1) {
		client.awareness.setLocalState({ cursor: 7 });
		client.send();
		await eventually("its own presence", () => client.receivedPresence.length === time);
	}
});

test("many moves of one cursor in one turn are one message to each", async () => {
	const server = new HandServer();
	const [mover, watcher] = [await server.client(), await server.client()];
	for (let cursor = 1; cursor <= 200; cursor += 1) {
		mover.awareness.setLocalState({ cursor });
		mover.send();
	}
	await eventually("the last one", () => statesOf(watcher.awareness).includes('"cursor":200'));
	expect(watcher.receivedPresence.length).toBe(1);
});

test("who comes sees who is there already, and whose moves were not yet sent", async () => {
	const server = new HandServer();
	const mover = await server.client();
	mover.awareness.setLocalState({ cursor: 1 });
	mover.send();
	await eventually("it to be there", () => server.document.awareness.states.size === 1);
	mover.awareness.setLocalState({ cursor: 2 });
	mover.send();
	const watcher = await server.client();
	await eventually("the last move", () => statesOf(watcher.awareness).includes('"cursor":2'));
});

/** Whom a client sees beside itself, by name. */
function namesSeen({ provider, document }: Client): string[] {
	return [...(provider.awareness?.getStates() ?? [])]
		.filter(([clientId, { user }]) => clientId !== document.clientID && user !== undefined)
		.map(([, { user }]) => user.name)
		.sort();
}

test("real providers see each other come, change and go, also over an edit that takes long to send", async () => {
	const local = await startLocalNode();
	const names = Array.from({ length: 12 }, (_, index) => `person ${String(index).padStart(2, "0")}`);
	const clients = await Promise.all(names.map(() => local.client("doc").synced()));
	for (const [index, client] of clients.entries())
		client.provider.setAwarenessField("user", { name: names[index] });
	clients[0]?.type("x".repeat(500_000));
	await eventually("all to see all others", () =>
		clients.every((client, index) => namesSeen(client).join() === names.toSpliced(index, 1).join()),
	);
	const [leaver, hider, ...rest] = clients as [Client, Client, ...Client[]];
	leaver.destroy();
	hider.provider.awareness?.setLocalState(null);
	await eventually("two to be gone", () =>
		rest.every((client, index) => namesSeen(client).join() === names.slice(2).toSpliced(index, 1).join()),
	);
});
