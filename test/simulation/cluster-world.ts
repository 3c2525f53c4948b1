import { vi } from "vitest";
import { MemoryDisk } from "../support/memory-store.ts";
import { Random } from "../support/random.ts";
import { type Cluster, Promises } from "./cluster-checks.ts";
import { type FaultName, inject, someFaults } from "./cluster-faults.ts";
import { ClusterNode } from "./cluster-node.ts";
import { SimulatedClient } from "./simulated-client.ts";
import type { SimulatedLine } from "./simulated-line.ts";
import { outside } from "./simulated-process.ts";
import { noLosses, SimulatedRedis } from "./simulated-redis.ts";

/** The server notices a client that has vanished within two of its pings. */
const vanishedMsMax = 60_000;

const settleStepMs = 250;
const calmDelayMsMax = 20;

/** What is to come true when everything works again. */
export interface Wish {
	/** "everybody …" */
	readonly what: string;
	readonly withinMs: number;
	/** @returns Who or what is not there yet. */
	readonly missing: () => readonly string[];
}

/** People, documents, nodes, a store and a Redis, in which chance decides what happens next. */
export class ClusterWorld implements Cluster {
	readonly random: Random;
	readonly disk = new MemoryDisk();
	readonly redis: SimulatedRedis;
	readonly nodes: readonly ClusterNode[];
	readonly documentNames = ["a", "b"];
	clients: SimulatedClient[] = [];
	readonly promises = new Promises();
	/** What happened how often. */
	readonly happened = new Map<string, number>();
	/** How long each wish took to come true. */
	readonly longestMs = new Map<string, number>();
	readonly #faults: readonly FaultName[];
	readonly #vanished = new Set<SimulatedLine>();
	#lines = new Map<SimulatedClient, SimulatedLine>();
	#clientsMade = 0;
	#isCalm = false;

	constructor(seed: number) {
		const random = new Random(seed);
		this.random = random;
		const delay = (choices: readonly number[]) => {
			const most = random.pick(choices);
			return () => random.below(this.#isCalm ? Math.min(most, calmDelayMsMax) : most);
		};
		const delays = { store: delay([4, 30, 250]), line: delay([3, 20, 200]) };
		this.redis = new SimulatedRedis(random, delay([2, 5, 50]));
		const { disk, redis } = this;
		this.nodes = Array.from(
			{ length: 2 + random.below(2) },
			() => new ClusterNode({ disk, redis, random, delays }),
		);
		this.#faults = someFaults(random);
		for (const name of ["a", "a", "a", "b", "b"]) this.clients.push(this.#newClient(name));
		for (const node of this.nodes) node.start();
	}

	/** One random thing happens. [DUR1] holds after each. */
	async step(): Promise<void> {
		const { random } = this;
		const chance = random.next();
		if (chance < 0.3) this.#edit();
		else if (chance < 0.4) this.#connectOrLeave();
		else if (chance < 0.45) this.move(random.pick(this.clients));
		else if (chance < 0.6 && this.#faults.length > 0) await this.#fail(random.pick(this.#faults));
		else await this.pass(this.#someTime());
		await this.pass(0);
	}

	async pass(ms: number): Promise<void> {
		await vi.advanceTimersByTimeAsync(ms);
		this.promises.check(this);
	}

	/** Everything works again, and quickly. */
	async heal(): Promise<void> {
		this.#isCalm = true;
		this.redis.losses = noLosses;
		this.redis.setReach("works");
		for (const node of this.nodes) {
			await node.server?.process.resume();
			if (node.store !== undefined) {
				node.store.reach = "works";
				node.store.announcementLoss = 0;
			}
			node.setReach("works", this.random.chance(0.5));
			node.server?.process.run(() => node.server?.calm());
		}
		for (const line of this.#vanished) line.hangUp();
		this.#vanished.clear();
	}

	/** Everybody comes who is not here, and nodes start that had stopped. @returns Who could not. */
	connectAll(): string[] {
		for (const node of this.nodes) if (!node.isUp) node.start();
		for (const client of this.clients) if (client.line === undefined) this.connect(client);
		return this.clients.filter(({ line }) => line === undefined).map(({ name }) => name);
	}

	/** Waits until all wishes have come true, together. */
	async settle(wishes: readonly Wish[]): Promise<void> {
		for (let ms = 0; ; ms += settleStepMs) {
			let isDone = true;
			for (const { what, withinMs, missing } of wishes) {
				const found = missing();
				if (found.length === 0) continue;
				isDone = false;
				if (ms >= withinMs) throw new Error(`not ${what} after ${ms} ms: ${found.join(", ")}`);
				this.longestMs.set(what, Math.max(ms + settleStepMs, this.longestMs.get(what) ?? 0));
			}
			if (isDone) return;
			await this.pass(settleStepMs);
		}
	}

	connect(client: SimulatedClient): void {
		const serving = this.nodes.filter(({ isServing }) => isServing);
		if (serving.length === 0) return;
		const line = this.random.pick(serving).server?.connect(client);
		if (line !== undefined) this.#lines.set(client, line);
	}

	/** Its network is gone, and the server does not know. */
	vanish(client: SimulatedClient): void {
		const line = this.#lines.get(client);
		if (line === undefined || client.line !== line) return;
		line.fallSilent();
		this.#vanished.add(line);
		setTimeout(() => {
			if (this.#vanished.delete(line)) line.hangUp();
		}, this.random.below(vanishedMsMax));
	}

	/** Somebody closes the tab, with all that was not saved, and somebody else comes. */
	replace(client: SimulatedClient): void {
		this.hangUp(client);
		client.end();
		this.clients = this.clients.map((each) =>
			each === client ? this.#newClient(client.documentName) : each,
		);
	}

	hangUp(client: SimulatedClient): void {
		if (client.line !== undefined) this.#lines.get(client)?.hangUp();
	}

	kill(node: ClusterNode): void {
		// What it has sent is on its way, and may be all that is left of it.
		node.kill();
		this.#count("kills");
	}

	edit(client: SimulatedClient): void {
		const { random } = this;
		const text = client.document.getText("text");
		if (text.length > 0 && random.chance(0.3)) text.delete(random.below(text.length), 1);
		else text.insert(random.below(text.length + 1), String.fromCharCode(97 + random.below(26)));
	}

	/** Its cursor, which others see. */
	move({ awareness }: SimulatedClient): void {
		awareness?.setLocalStateField("cursor", this.random.below(1_000));
	}

	#edit(): void {
		const client = this.random.pick(this.clients);
		for (let edits = this.random.pick([1, 1, 1, 2, 5]); edits > 0; edits -= 1) this.edit(client);
		this.#count("edits");
	}

	#connectOrLeave(): void {
		const client = this.random.pick(this.clients);
		if (client.line === undefined) this.connect(client);
		else if (this.random.chance(0.2)) this.hangUp(client);
	}

	async #fail(name: FaultName): Promise<void> {
		await inject(name, this);
		this.#count(name);
	}

	#someTime(): number {
		const chance = this.random.next();
		if (chance < 0.75) return this.random.below(60);
		return this.random.below(chance < 0.95 ? 1_000 : 12_000);
	}

	#newClient(documentName: string): SimulatedClient {
		this.#clientsMade += 1;
		const number = this.#clientsMade;
		return outside(
			() =>
				new SimulatedClient(`client ${number} of ${documentName}`, documentName, number, {
					showsPresence: true,
				}),
		);
	}

	#count(what: string): void {
		this.happened.set(what, (this.happened.get(what) ?? 0) + 1);
	}
}
