import "./patched-date.ts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import * as Y from "yjs";
import { type MemoryDisk, MemoryStore } from "../support/memory-store.ts";
import { Random, testSeed } from "../support/random.ts";
import { durableState } from "./durable-state.ts";
import { SimulatedClient } from "./simulated-client.ts";
import { SimulatedServer } from "./simulated-server.ts";
import { startSimulatedTime } from "./simulated-time.ts";

const schedules = Number(process.env.INDELIBLE_SIMULATIONS ?? 2_000);

beforeEach(() => {
	startSimulatedTime();
	// Hocuspocus reports refused documents and closed connections there.
	vi.spyOn(console, "error").mockImplementation(() => {});
});

afterEach(() => {
	vi.useRealTimers();
	vi.restoreAllMocks();
});

/** A world of people, documents, one server and its disk, in which chance decides what happens next. */
class World {
	readonly random: Random;
	readonly clients: SimulatedClient[];
	store = new MemoryStore();
	server: SimulatedServer;
	crashes = 0;
	compactions = 0;
	acknowledgedUpdates = 0;

	constructor(seed: number) {
		this.random = new Random(seed);
		this.clients = ["a", "a", "a", "b", "b"].map(
			(name, index) => new SimulatedClient(`client ${index}`, name, index + 1),
		);
		this.server = this.#start();
	}

	get disk(): MemoryDisk {
		return this.store.disk;
	}

	async step(): Promise<void> {
		const chance = this.random.next();
		if (chance < 0.12) this.#edit();
		else if (chance < 0.5) this.#deliver();
		else if (chance < 0.58) this.#connectOrLeave();
		else if (chance < 0.86) this.#answerFromStore();
		else if (chance < 0.89) this.#breakOrHealStore();
		else if (chance < 0.99) await vi.advanceTimersByTimeAsync(this.random.below(400));
		else this.#crash();
		await vi.advanceTimersByTimeAsync(0);
		this.#check();
	}

	/** Everything works again and everybody stays until there is nothing left to do. */
	async settle(): Promise<void> {
		const { store } = this;
		for (const name of ["a", "b"]) store.healDocument(name);
		store.release();
		for (let turn = 0; turn < 400; turn += 1) {
			for (const client of this.clients) if (client.line === undefined) this.server.connect(client);
			for (const line of this.server.lines) {
				while (line.toServer.length > 0) line.toServer.deliverNext();
				while (line.toClient.length > 0) line.toClient.deliverNext();
			}
			await vi.advanceTimersByTimeAsync(500);
			const isQuiet = [...this.server.lines].every(
				({ toServer, toClient }) => toServer.length + toClient.length === 0,
			);
			if (isQuiet && this.clients.every(({ saysSaved }) => saysSaved)) return;
		}
		throw new Error(
			`not saved in the end: ${this.clients.filter(({ saysSaved }) => !saysSaved).map(({ name }) => name)}`,
		);
	}

	async leave(): Promise<void> {
		for (const { line } of this.clients) line?.hangUp();
		await vi.advanceTimersByTimeAsync(20_000);
	}

	/** [DUR1]: whoever is told that all is saved can look it up on the disk. */
	#check(): void {
		for (const client of this.clients) {
			if (!client.saysSaved || client.ownUpdates.length === 0) continue;
			const state = Y.snapshot(durableState(this.disk, client.documentName));
			for (const update of client.ownUpdates) {
				expect(Y.snapshotContainsUpdate(state, update), `${client.name} was told that all is saved`).toBe(
					true,
				);
			}
			this.acknowledgedUpdates += client.ownUpdates.length;
			client.ownUpdates = [];
		}
	}

	#edit(): void {
		const { document } = this.random.pick(this.clients);
		const text = document.getText("text");
		if (text.length > 0 && this.random.chance(0.3)) text.delete(this.random.below(text.length), 1);
		else text.insert(this.random.below(text.length + 1), String.fromCharCode(97 + this.random.below(26)));
	}

	#deliver(): void {
		const lines = [...this.server.lines];
		if (lines.length === 0) return;
		const line = this.random.pick(lines);
		for (let frames = 1 + this.random.below(12); frames > 0; frames -= 1) {
			if (this.random.chance(0.5)) line.toServer.deliverNext();
			else line.toClient.deliverNext();
		}
	}

	#connectOrLeave(): void {
		const client = this.random.pick(this.clients);
		if (client.line === undefined) this.server.connect(client);
		else if (this.random.chance(0.2)) client.line.hangUp();
	}

	#answerFromStore(): void {
		const { held } = this.store;
		const call = held[this.random.below(Math.max(1, held.length))];
		if (call === undefined) return;
		const chance = this.random.next();
		if (chance < 0.8) call.complete();
		else if (chance < 0.9) call.perform();
		else if (call.kind === "append") call.fail();
	}

	#breakOrHealStore(): void {
		const { store } = this;
		const chance = this.random.next();
		const name = this.random.pick(["a", "b"]);
		if (chance < 0.25) store.failAppends(1 + this.random.below(3));
		else if (chance < 0.5) store.loseAnswers(1);
		else if (chance < 0.6) store.failDocument(name);
		else store.healDocument(name);
	}

	#crash(): void {
		this.crashes += 1;
		// Some of what the store was asked to do is done, and nobody is told.
		for (const call of this.store.held) {
			if (!this.random.chance(0.5)) break;
			if (call.kind === "append") call.perform();
		}
		this.server.kill();
		this.store = this.store.crash();
		this.server = this.#start();
	}

	#start(): SimulatedServer {
		const { store, random } = this;
		store.hold();
		return new SimulatedServer({
			store,
			random,
			onEvent: ({ type }) => {
				if (type === "compacted") this.compactions += 1;
			},
		});
	}
}

async function run(seed: number): Promise<World> {
	const world = new World(seed);
	const steps = 60 + world.random.below(180);
	for (let step = 0; step < steps; step += 1) await world.step();
	await world.settle();
	for (const name of ["a", "b"]) {
		const durable = durableState(world.disk, name);
		for (const client of world.clients.filter(({ documentName }) => documentName === name)) {
			expect(client.document.getText("text").toString(), client.name).toBe(
				durable.getText("text").toString(),
			);
			expect(Y.encodeStateVector(client.document)).toEqual(Y.encodeStateVector(durable));
		}
	}
	await world.leave();
	expect([...world.server.hocuspocus.documents.keys()], "documents still in memory").toEqual([]);
	for (const name of ["a", "b"]) {
		const reader = world.clients.find(({ documentName }) => documentName === name);
		expect(durableState(world.disk, name).getText("text").toString()).toBe(
			reader?.document.getText("text").toString(),
		);
	}
	vi.clearAllTimers();
	return world;
}

test(`[DUR1] [DUR3] [DUR4] [DUR6] [CON1] ${schedules} random schedules of edits, failures, crashes, compactions, unloads`, {
	timeout: 600_000,
}, async () => {
	const first = testSeed("simulation");
	let [crashes, compactions, acknowledgedUpdates] = [0, 0, 0];
	for (let seed = first; seed < first + schedules; seed += 1) {
		try {
			const world = await run(seed);
			crashes += world.crashes;
			compactions += world.compactions;
			acknowledgedUpdates += world.acknowledgedUpdates;
		} catch (error) {
			throw new Error(`INDELIBLE_SEED=${seed} INDELIBLE_SIMULATIONS=1 fails: ${(error as Error).message}`, {
				cause: error,
			});
		}
	}
	console.info(
		`simulation: ${schedules} schedules, ${crashes} crashes, ${compactions} compactions, ${acknowledgedUpdates} updates acknowledged`,
	);
	expect(compactions).toBeGreaterThanOrEqual(schedules);
	expect(crashes).toBeGreaterThanOrEqual(Math.floor(schedules / 10));
	expect(acknowledgedUpdates).toBeGreaterThanOrEqual(schedules);
});
