import { expect } from "vitest";
import * as Y from "yjs";
import type { MemoryDisk } from "../support/memory-store.ts";
import type { ClusterNode } from "./cluster-node.ts";
import { durableState } from "./durable-state.ts";
import type { SimulatedClient } from "./simulated-client.ts";

export interface Cluster {
	readonly disk: MemoryDisk;
	readonly nodes: readonly ClusterNode[];
	readonly clients: readonly SimulatedClient[];
	readonly documentNames: readonly string[];
}

/** What people were told is saved, for good. */
export class Promises {
	readonly #updates = new Map<string, Uint8Array[]>();
	count = 0;

	/** [DUR1]: whoever is told that all is saved can look it up in the store. */
	check({ clients, disk }: Cluster): void {
		for (const client of clients) {
			if (!client.saysSaved || client.ownUpdates.length === 0) continue;
			const { documentName, ownUpdates } = client;
			expectStored(disk, documentName, ownUpdates, `${client.name} was told that all is saved`);
			const known = this.#updates.get(documentName) ?? [];
			this.#updates.set(documentName, [...known, ...ownUpdates]);
			this.count += ownUpdates.length;
			client.ownUpdates = [];
		}
	}

	/** All that was ever acknowledged, also to people who have left for good, is stored. */
	checkAll(disk: MemoryDisk): void {
		for (const [name, updates] of this.#updates) expectStored(disk, name, updates, "acknowledged once");
	}
}

function expectStored(disk: MemoryDisk, name: string, updates: readonly Uint8Array[], why: string): void {
	const state = Y.snapshot(durableState(disk, name));
	for (const update of updates) expect(Y.snapshotContainsUpdate(state, update), why).toBe(true);
}

/** [CON1] [CLU2] @returns What is not in step with the store; empty when everything is. */
export function stragglers({ disk, nodes, clients, documentNames }: Cluster): string[] {
	return documentNames.flatMap((name) => {
		const stored = stateOf(durableState(disk, name));
		const inClients = clients
			.filter(({ documentName, document }) => documentName === name && stateOf(document) !== stored)
			.map((client) => client.name);
		const inNodes = [...nodes.entries()]
			.filter(([, { server }]) => {
				const document = server?.hocuspocus.documents.get(name);
				return document !== undefined && stateOf(document) !== stored;
			})
			.map(([index]) => `document ${name} on node ${index}`);
		return [...inClients, ...inNodes];
	});
}

/** [CON1] @returns The clients that differ from another one of the same document; empty when all agree. */
export function disagreements({ clients, documentNames }: Cluster): string[] {
	return documentNames.flatMap((name) => {
		const [first, ...others] = clients.filter(({ documentName }) => documentName === name);
		const expected = first && stateOf(first.document);
		return others.filter(({ document }) => stateOf(document) !== expected).map((client) => client.name);
	});
}

/**
 * What a document holds: text, what was inserted and what was deleted. What Yjs holds back does not count: what it
 * waits for may have been lost with a tab that was closed before it was saved.
 */
function stateOf(document: Y.Doc): string {
	const snapshot = Buffer.from(Y.encodeSnapshot(Y.snapshot(document))).toString("base64");
	return `${document.getText("text")} ${snapshot}`;
}

/** [CLU4] @returns Who is shown somewhere and is gone. */
export function ghosts(cluster: Cluster): string[] {
	return differences(cluster, (seen, present) => [...seen.keys()].filter((id) => !present.has(id)));
}

/** @returns Who is there and not shown as such everywhere. */
export function unseen(cluster: Cluster): string[] {
	return differences(cluster, (seen, present) =>
		[...present].filter(([id, state]) => seen.get(id) !== state).map(([id]) => id),
	);
}

type Presence = ReadonlyMap<number, string>;

function differences(
	{ clients, nodes, documentNames }: Cluster,
	compare: (seen: Presence, present: Presence) => number[],
): string[] {
	return documentNames.flatMap((name) => {
		const here = clients.filter(({ documentName, line }) => documentName === name && line !== undefined);
		const present = presenceOf(
			here.map(({ document, awareness }) => [document.clientID, awareness?.getLocalState()]),
		);
		const views = here.map(({ name: who, awareness }) => ({ who, states: awareness?.getStates() }));
		for (const [index, { server }] of nodes.entries()) {
			const document = server?.hocuspocus.documents.get(name);
			if (document !== undefined)
				views.push({ who: `node ${index} in document ${name}`, states: document.awareness.getStates() });
		}
		return views.flatMap(({ who, states }) =>
			compare(presenceOf([...(states ?? [])]), present).map((id) => `client ${id} for ${who}`),
		);
	});
}

function presenceOf(states: readonly (readonly [number, unknown])[]): Presence {
	return new Map(states.map(([id, state]) => [id, JSON.stringify(state)]));
}
