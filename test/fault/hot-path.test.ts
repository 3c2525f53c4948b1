import { expect, test } from "vitest";
import type { Awareness } from "y-protocols/awareness";
import type * as Y from "yjs";
import { eventually } from "../support/eventually.ts";
import type { HandClient } from "../support/hand-client.ts";
import { documentName, HandServer } from "../support/hand-server.ts";
import { Random, testSeed } from "../support/random.ts";
import { authenticationFrame, closeFrame, messageFrame, syncStep1Frame } from "../support/wire-frames.ts";

const rounds = Number(process.env.INDELIBLE_HOT_PATH ?? 25);
const people = 6;

function turn(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}

/** Somebody who edits, reads now and then, leaves and comes back, on one socket. */
class Person {
	readonly client: HandClient;
	readonly #random: Random;
	/** What it waits to be acknowledged, unless it has begun anew. */
	sent = 1;
	beganAnew = false;
	/** It is not told meanwhile who else leaves, and nobody takes what it says of itself for news when it is back. */
	hasLeft = false;

	constructor(client: HandClient, random: Random) {
		this.client = client;
		this.#random = random;
	}

	act(): void {
		const { client } = this;
		const chance = this.#random.next();
		if (chance < 0.55) this.#edit();
		else if (chance < 0.75) this.#send();
		else if (chance < 0.8) client.socket.pause();
		else if (chance < 0.88) client.socket.resume();
		else if (chance < 0.95) client.awareness.setLocalState({ cursor: this.#random.below(1_000) });
		else if (chance < 0.97) this.#askAgain();
		else if (chance < 0.98) this.#comeBack();
	}

	/** It leaves the document and opens it again at once, as an editor does that is mounted anew. */
	#comeBack(): void {
		const { client } = this;
		this.hasLeft = true;
		this.#send();
		client.socket.send(closeFrame(client.address));
		client.socket.send(authenticationFrame(client.address));
		this.#askAgain();
	}

	#askAgain(): void {
		const { client } = this;
		this.beganAnew = true;
		client.socket.send(syncStep1Frame(client.address, client.document));
	}

	#edit(): void {
		const random = this.#random;
		const { text } = this.client;
		if (text.length > 0 && random.chance(0.35)) text.delete(random.below(text.length), 1);
		else text.insert(random.below(text.length + 1), random.chance(0.1) ? "long ".repeat(100) : "ab");
		if (random.chance(0.6)) this.#send();
	}

	#send(): void {
		this.sent += this.client.outbox.filter((message) => isEdit(message, this.client.address)).length;
		this.client.send();
	}

	finish(): void {
		this.client.socket.resume();
		this.#send();
	}
}

/** An update or the answer to a `SyncStep1`; each is acknowledged. */
function isEdit(message: Uint8Array, address: string): boolean {
	const typeAt = messageFrame(address, () => {}).byteLength;
	return message[typeAt] === 0 && message[typeAt + 1] === 2;
}

function presenceOf({ states }: Awareness): string {
	return JSON.stringify([...states].sort(([one], [other]) => one - other));
}

function isHere({ client }: Person): boolean {
	return client.socket.closes.length === 0;
}

function stateOf(document: Y.Doc): string {
	return document.getText("text").toString();
}

test("[CON1] [TRN2] [DUR1] whoever reads slowly, comes back or edits on the server: all end with the same, all acknowledged, all stored", async () => {
	const random = new Random(testSeed("hot-path"));
	for (let round = 0; round < rounds; round += 1) {
		const server = new HandServer({
			flushIntervalMs: random.pick([0, 5, 80]),
			readerBacklogBytesMax: random.pick([0, 200, 2_000]),
		});
		const everybody: Person[] = [];
		for (let index = 0; index < people; index += 1) {
			const address = random.chance(0.3) ? `${documentName}\0${index}` : documentName;
			everybody.push(new Person(await server.client(address, random.chance(0.8)), random));
		}
		for (let step = 0; step < 250; step += 1) {
			random.pick(everybody).act();
			if (random.chance(0.03)) server.document.getText("text").insert(0, "server ");
			if (random.chance(0.02)) server.document.flush();
			if (random.chance(0.3)) await turn();
		}
		for (let time = 0; time < 3; time += 1) {
			for (const person of everybody) person.finish();
			await turn();
		}
		// Who opens it again and leaves it again before it is open has to come back on another socket.
		const [here, gone] = [everybody.filter(isHere), everybody.filter((person) => !isHere(person))];
		for (const { client, hasLeft } of gone)
			expect([client.socket.closes[0]?.code, hasLeft]).toEqual([4205, true]);
		await eventually("all to be let in again", () => server.document.getConnectionsCount() === here.length);
		await eventually("all to be equal", () => {
			for (const person of here) person.finish();
			return here.every(({ client }) => stateOf(client.document) === stateOf(server.document));
		});
		await eventually("all to be acknowledged", () =>
			here.every(({ client, sent, beganAnew }) => beganAnew || client.acknowledgements >= sent),
		);
		const stayed = here.filter(({ hasLeft }) => !hasLeft);
		await eventually("everybody's presence", () =>
			stayed.every(({ client }) => presenceOf(client.awareness) === presenceOf(server.document.awareness)),
		);
		for (const { client, sent, beganAnew } of here)
			if (!beganAnew) expect(client.acknowledgements).toBe(sent);
		expect(await server.storedText()).toBe(server.text);
	}
}, 120_000);
