import { connect } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { knock, type WatchedNodes, watchedNodes } from "../support/balanced-nodes.ts";
import { type Balancer, balancers } from "../support/balancer.ts";
import { type Client, type ClientOptions, openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startNodeProcess } from "../support/node-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const names = ["haproxy", "nginx"] as const;
const flavours = ["any-node", "document-affinity"] as const;

/** As documents are named in URLs. */
function urlOf({ url }: Balancer, document: string): string {
	return `${url}?document=${encodeURIComponent(document)}`;
}

/** A client that goes when the test ends. */
function clientAt(options: ClientOptions): Client {
	const client = openClient(options);
	onTestFinished(() => client.destroy());
	return client;
}

/** The nodes that a document's sockets have come to. */
function placesOf({ upgrades }: WatchedNodes, document: string, since = 0): number[] {
	return [
		...new Set(upgrades.slice(since).flatMap((seen) => (seen.document === document ? [seen.node] : []))),
	];
}

/** Which nodes the sockets of each document go to now. */
async function placesNow(watched: WatchedNodes, at: Balancer): Promise<Map<string, number[]>> {
	const since = watched.upgrades.length;
	for (const document of documents) (await knock(urlOf(at, document))).socket?.terminate();
	return new Map(documents.map((document) => [document, placesOf(watched, document, since)]));
}

/** Names as people give them, and such as break things. */
const documents = [
	"a/b",
	"a b+c",
	"?document=x&y#z",
	"Übergrößenträger 文書",
	"100%",
	...Array.from({ length: 25 }, (_, index) => `page-${index}`),
];

/** In every way in which a node would read them. */
const forOperators = [
	"/metrics",
	"/metrics?x",
	"/%6detrics",
	"/%6D%65trics",
	"/x/../metrics",
	"/x/%2e%2E/metrics",
	"/./metrics",
	"/%2e/metrics",
	"http://elsewhere/metrics",
	"/admin",
	"/%61dmin",
	"/api/auth/revoke",
	"/x/../api/auth/revoke",
	"/api/admin/documents",
	"/api/documents",
] as const;

/** Documents whose names look as if. */
const forEverybody = ["/healthz", "/readyz", "/d/metrics", "/d/a%2F..%2Fadmin", "/d/api", "/d/..."] as const;

/** Whether it is a node that answers a request line as it stands: `fetch` would tidy it. */
function isAnsweredByNode(port: number, target: string): Promise<boolean> {
	return new Promise((resolve, reject) => {
		const socket = connect(port, "127.0.0.1", () =>
			socket.write(`GET ${target} HTTP/1.1\r\nHost: docs.example\r\nConnection: close\r\n\r\n`),
		);
		let answer = "";
		socket.setEncoding("latin1").on("data", (text: string) => (answer += text));
		socket.once("error", reject);
		socket.once("close", () => resolve(/^content-security-policy:/im.test(answer)));
	});
}

describe.each(names)("%s", (name) => {
	const balancer = balancers[name];

	test.each(flavours)("takes the configuration for %s without a complaint", async (flavour) => {
		expect(await balancer.lint(flavour)).toBe("");
	});

	test("any node: people spread over the nodes and edit together", async () => {
		const watched = await watchedNodes({}, {}, {});
		const { url } = await balancer.start({ flavour: "any-node", nodePorts: watched.ports });
		const clients: Client[] = [];
		for (let index = 0; index < 9; index += 1) clients.push(await clientAt({ url, name: "page" }).synced());
		expect(watched.connections()).toEqual([3, 3, 3]);
		for (const [index, client] of clients.entries()) client.type(`[${index}]`);
		for (const client of clients) await client.saved();
		await eventually("everybody to have everything", () =>
			clients.every(({ text }) => text.length === 27 && text.toString() === clients[0]?.text.toString()),
		);
	});

	test("document affinity: the people of a document meet on one node, whatever it is called", async () => {
		const watched = await watchedNodes({}, {}, {});
		const at = await balancer.start({ flavour: "document-affinity", nodePorts: watched.ports });
		const clients = [...documents, ...documents].map((document) =>
			clientAt({ url: urlOf(at, document), name: document }),
		);
		for (const client of clients) await client.synced();
		for (const document of documents) {
			expect(placesOf(watched, document), document).toHaveLength(1);
			const holders = watched.nodes.filter(({ node }) => node.hocuspocus.documents.has(document));
			expect(holders, document).toHaveLength(1);
		}
		for (const count of watched.connections()) expect(count).toBeGreaterThan(0);
	});

	test("document affinity: what names no document goes to all nodes", async () => {
		const watched = await watchedNodes({}, {}, {});
		const { url } = await balancer.start({ flavour: "document-affinity", nodePorts: watched.ports });
		await eventually("a socket on every node", async () => {
			await knock(url);
			return watched.connections().every((count) => count > 0);
		});
	});

	test("document affinity: the documents of a node that goes move, and come back with it, and no others do", async () => {
		const watched = await watchedNodes({}, {}, {});
		const options = { flavour: "document-affinity", nodePorts: watched.ports } as const;
		const at = await balancer.start(options);
		const before = await placesNow(watched, at);
		expect(new Set([...before.values()].flat()).size).toBe(3);
		const expectOthersUnmoved = (now: typeof before) => {
			for (const document of documents) {
				if (before.get(document)?.[0] === 1) expect(now.get(document), document).not.toContain(1);
				else expect(now.get(document), document).toEqual(before.get(document));
			}
		};
		await watched.nodes[1]?.close();
		expectOthersUnmoved(await placesNow(watched, at));
		if (name === "haproxy")
			await eventually("HAProxy to notice", () => at.log().includes("Server ready-nodes/node-2 is DOWN"));
		expectOthersUnmoved(await placesNow(watched, at));
		// As when somebody takes it out of the file.
		expectOthersUnmoved(
			await placesNow(watched, await balancer.start({ ...options, edit: withoutSecondNode })),
		);
		await watched.restart(1);
		await eventually("everything to be as before", async () => {
			expect(await placesNow(watched, at)).toEqual(before);
			return true;
		});
	});

	test.each(flavours)(
		"[TRN3] %s: a node that drains sends people away itself; nobody is refused",
		async (flavour) => {
			const watched = await watchedNodes({ drainWindowMs: 2_000 }, {}, {});
			const at = await balancer.start({ flavour, nodePorts: watched.ports });
			const codes: number[] = [];
			for (const document of documents) {
				const { socket } = await knock(urlOf(at, document));
				socket?.once("close", (code) => codes.push(code));
			}
			const [draining] = watched.nodes;
			const leaving = draining?.node.connections ?? 0;
			expect(leaving).toBeGreaterThan(0);
			const drained = draining?.node.drain();
			for (const document of documents) expect((await knock(urlOf(at, document))).status).toBe(101);
			await drained;
			await eventually("the closing to arrive", () => codes.length === leaving);
			expect(new Set(codes)).toEqual(new Set([1012]));
			expect(watched.connections().reduce((sum, count) => sum + count)).toBe(2 * documents.length - leaving);
		},
	);

	test.each(flavours)(
		"[TRN4] %s: whom a full node refuses is let in by another; when all are full, nobody",
		async (flavour) => {
			const watched = await watchedNodes(
				{ connectionsMax: 2 },
				{ connectionsMax: 12 },
				{ connectionsMax: 4 },
			);
			const at = await balancer.start({ flavour, nodePorts: watched.ports });
			for (let index = 0; index < 18; index += 1)
				await eventually("a place", async () => (await knock(urlOf(at, "page"))).status === 101);
			expect(watched.connections()).toEqual([2, 12, 4]);
			for (let index = 0; index < 3; index += 1) {
				const refused = await knock(urlOf(at, "page"));
				expect(refused).toMatchObject({ status: 503, headers: { "retry-after": expect.any(String) } });
			}
		},
	);

	test("a node that is killed: its people are on another one, with everything", async () => {
		const nodes = await Promise.all([0, 1, 2].map(() => startNodeProcess({ data: temporaryFolder() })));
		onTestFinished(async () => {
			for (const node of nodes) await node.stop("SIGKILL");
		});
		const at = await balancer.start({ flavour: "any-node", nodePorts: nodes.map(({ port }) => port) });
		const clients: Client[] = [];
		for (let index = 0; index < 3; index += 1)
			clients.push(await clientAt({ url: at.url, name: `page-${index}` }).synced());
		await nodes[0]?.stop("SIGKILL");
		for (const client of clients) await client.type("still here").saved();
		expect(clients.flatMap(({ closes }) => closes.slice(0, 1).map(({ code }) => code))).toEqual([1006]);
	});

	test.each(flavours)("%s: what is for operators is not passed on", async (flavour) => {
		const environment = { INDELIBLE_ADMIN_TOKEN: "an admin token of some length" };
		const node = await startNodeProcess({ data: temporaryFolder(), environment });
		onTestFinished(async () => {
			await node.stop("SIGKILL");
		});
		const ports = [node.port, node.port, node.port];
		const { origin } = await balancer.start({ flavour, nodePorts: ports });
		await eventually("the node to be found", async () => (await fetch(`${origin}/readyz`)).ok);
		const balancerPort = Number(new URL(origin).port);
		for (const path of forOperators) {
			expect(await isAnsweredByNode(node.port, path), `${path} of the node`).toBe(true);
			expect(await isAnsweredByNode(balancerPort, path), path).toBe(false);
		}
		for (const path of forEverybody) expect(await isAnsweredByNode(balancerPort, path), path).toBe(true);
	});

	test("nodes hear who the client is from the balancer, not from the client", async () => {
		const watched = await watchedNodes({}, {}, {});
		const at = await balancer.start({ flavour: "any-node", nodePorts: watched.ports });
		const spoofed = {
			"X-Forwarded-For": "6.6.6.6",
			"X-Forwarded-Proto": "https",
			"X-Forwarded-Host": "evil.example",
			"X-Real-IP": "6.6.6.6",
			Forwarded: "for=6.6.6.6",
		};
		await knock(at.url, spoofed);
		const host = new URL(at.origin).host;
		const headers = watched.upgrades[0]?.headers ?? {};
		expect(headers).toMatchObject({
			host,
			"x-forwarded-for": "127.0.0.1",
			"x-forwarded-proto": "http",
			"x-forwarded-host": host,
		});
		expect(JSON.stringify(headers)).not.toMatch(/6\.6\.6\.6|evil/);
	});

	test("[TRN1] a silent WebSocket stays open as long as the node pings it", async () => {
		const watched = await watchedNodes({ pingIntervalMs: 200 }, { pingIntervalMs: 200 }, {});
		const at = await balancer.start({ flavour: "document-affinity", nodePorts: watched.ports, edit: hurry });
		const sockets: { place: number | undefined; pings: number; isOpen: boolean }[] = [];
		for (const document of documents) {
			const { socket } = await knock(urlOf(at, document));
			if (socket === undefined) throw new Error("refused");
			const [place] = placesOf(watched, document);
			const silent = { place, pings: 0, isOpen: true };
			socket.on("ping", () => (silent.pings += 1));
			socket.once("close", () => (silent.isOpen = false));
			sockets.push(silent);
		}
		const pinged = sockets.filter(({ place }) => place !== 2);
		await eventually("what is silent both ways to be cut", () =>
			sockets.every(({ place, isOpen }) => place !== 2 || !isOpen),
		);
		await eventually("many pings", () => pinged.every(({ pings }) => pings >= 10));
		expect(pinged.filter(({ isOpen }) => !isOpen)).toEqual([]);
		expect(pinged.length).toBeLessThan(sockets.length);
	});
});

function withoutSecondNode(configuration: string): string {
	const servers = configuration.split("\n").filter((line) => /^\tserver \S*\d/.test(line));
	return configuration.replaceAll(`${servers[1]}\n`, "");
}

/** The same configuration with seconds for what takes minutes. */
function hurry(configuration: string): string {
	return configuration
		.replace(/^\ttimeout (client|server|http-keep-alive) .*/gm, "\ttimeout $1 500ms")
		.replace(/^\ttimeout tunnel .*/m, "\ttimeout tunnel 1s")
		.replace(/proxy_(read|send)_timeout .*;/g, "proxy_$1_timeout 1s;");
}

describe("haproxy, which asks nodes how they are", () => {
	test("a node that is not ready gets nobody new, and its open sockets live on", async () => {
		const watched = await watchedNodes({}, {}, {});
		const { url } = await balancers.haproxy.start({ flavour: "any-node", nodePorts: watched.ports });
		const anna = await clientAt({ url, name: "page" }).synced();
		const place = watched.upgrades[0]?.node ?? -1;
		const bert = await clientAt({ url: watched.nodes[place]?.url ?? "", name: "page" }).synced();
		// The others have more people, so that who comes next would come here.
		for (let index = 0; index < 8; index += 1) await knock(url);
		watched.nodes[place]?.store.fail();
		anna.type("not saved yet");
		const arrivals = () => watched.upgrades.filter(({ node }) => node === place).length;
		await eventually("newcomers to go elsewhere", async () => {
			const before = arrivals();
			for (let index = 0; index < 6; index += 1) await knock(url);
			return arrivals() === before;
		});
		await eventually("the edit", () => bert.text.toString() === "not saved yet");
		expect(anna.closes).toEqual([]);
		watched.nodes[place]?.store.recover();
		await anna.saved();
		const before = arrivals();
		await eventually("newcomers to come again", async () => {
			await knock(url);
			return arrivals() > before;
		});
		expect(anna.closes).toEqual([]);
	});

	test.each(flavours)("%s: when no node is ready, those that run take people", async (flavour) => {
		const watched = await watchedNodes({}, {}, {});
		const at = await balancers.haproxy.start({ flavour, nodePorts: watched.ports });
		for (const [index, node] of watched.nodes.entries()) {
			const person = await node.client(`page-${index}`).synced();
			node.store.fail();
			person.type("not saved yet");
		}
		await eventually("HAProxy to notice", () => at.log().includes("ready-nodes has no server available"));
		for (const document of documents) expect((await knock(urlOf(at, document))).status).toBe(101);
	});

	test("a node that hangs: newcomers get another one", async () => {
		const nodes = await Promise.all([0, 1, 2].map(() => startNodeProcess({ data: temporaryFolder() })));
		onTestFinished(async () => {
			for (const node of nodes) await node.stop("SIGKILL");
		});
		const nodePorts = nodes.map(({ port }) => port);
		const { url } = await balancers.haproxy.start({ flavour: "any-node", nodePorts });
		nodes[1]?.child.kill("SIGSTOP");
		for (let index = 0; index < 4; index += 1) expect((await knock(url)).status).toBe(101);
	});
});
