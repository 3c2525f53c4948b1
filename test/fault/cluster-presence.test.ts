import { expect, onTestFinished, test } from "vitest";
import { openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startProcessCluster } from "../support/process-cluster.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

test("[CLU4] the people of a killed node: whoever comes back on another one stays present, the others are gone within 10 s", async () => {
	const cluster = await startProcessCluster({ nodes: 2 });
	const [theirs, other] = [cluster.node(0), cluster.node(1)];
	/** Leads to their node, and to the other one when that is dead. */
	const way = await startTcpProxy(Number(new URL(theirs.url).port));
	const join = async (name: string, url: string) => {
		const client = openClient({ url, name: "page" });
		onTestFinished(() => client.destroy());
		await client.synced();
		client.provider.setAwarenessField("name", name);
		return client;
	};
	const observer = await join("Olga", other.url);
	const anna = await join("Anna", `ws://127.0.0.1:${way.port}`);
	const bert = await join("Bert", `ws://127.0.0.1:${way.port}`);
	const present = () =>
		[...(observer.provider.awareness?.getStates().values() ?? [])].map(({ name }) => name);
	await eventually("all of them", () => ["Anna", "Bert"].every((name) => present().includes(name)));
	const absences: number[] = [];
	const watch = setInterval(() => {
		if (!present().includes("Anna")) absences.push(performance.now());
	}, 50);
	onTestFinished(() => clearInterval(watch));
	// Bert's computer goes down together with the node.
	bert.socket.destroy();
	way.target = Number(new URL(other.url).port);
	await theirs.stop("SIGKILL");
	await eventually("Anna on the other node", () => anna.provider.isSynced);
	await eventually("Bert to be gone", () => !present().includes("Bert"), 10_000);
	// Past the moment at which the dead node's people are removed.
	await new Promise((resolve) => setTimeout(resolve, 1_000));
	expect(absences).toEqual([]);
	anna.type("still here");
	await eventually("her text", () => observer.text.toString() === "still here");
	anna.destroy();
	await eventually("Anna to be gone", () => !present().includes("Anna"), 5_000);
});
