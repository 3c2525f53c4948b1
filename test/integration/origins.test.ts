import { request } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { balancers } from "../support/balancer.ts";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { type NodeProcess, startNodeProcess } from "../support/node-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testSecret } from "../support/tokens.ts";

async function startNode(flags: readonly string[] = [], environment = {}): Promise<NodeProcess> {
	const node = await startNodeProcess({ data: temporaryFolder(), flags, environment });
	onTestFinished(async () => {
		await node.stop("SIGKILL");
	});
	return node;
}

/** Asks for a WebSocket as a browser does for a page of this origin. @returns The status of the answer. */
function knock(port: number, headers: Readonly<Record<string, string>>): Promise<number> {
	return new Promise((resolve, reject) => {
		const asked = request({
			port,
			host: "127.0.0.1",
			headers: {
				connection: "Upgrade",
				upgrade: "websocket",
				"sec-websocket-version": "13",
				"sec-websocket-key": "MDEyMzQ1Njc4OWFiY2RlZg==",
				...headers,
			},
		});
		asked.once("upgrade", (_response, socket) => {
			resolve(101);
			socket.destroy();
		});
		asked.once("response", (response) => {
			resolve(response.statusCode ?? 0);
			response.resume();
		});
		asked.once("error", reject).end();
	});
}

test("[ACC6] an open node lets in its own pages, those of the visitor's machine, and programs; no foreign page, and no name that points here", async () => {
	const node = await startNode();
	const host = `localhost:${node.port}`;
	expect(await knock(node.port, { host, origin: `http://${host}` })).toBe(101);
	expect(await knock(node.port, { host, origin: "http://localhost:5173" })).toBe(101);
	expect(await knock(node.port, { host: `127.0.0.1:${node.port}`, origin: "http://127.0.0.1:8080" })).toBe(
		101,
	);
	expect(await knock(node.port, { host })).toBe(101);
	expect(node.output()).not.toContain("origin");
	expect(await knock(node.port, { host, origin: "https://evil.example" })).toBe(403);
	expect(await knock(node.port, { host, origin: "null" })).toBe(403);
	const rebound = `evil.example:${node.port}`;
	expect(await knock(node.port, { host: rebound, origin: `http://${rebound}` })).toBe(403);
	await eventually("the log to say what to do", () =>
		/"origin":"https:\/\/evil\.example".*--allowed-origins/.test(node.output()),
	);
});

test("[ACC6] behind a balancer, an open node lets in the pages of the name that people use", async () => {
	const { port } = await startNode();
	for (const name of ["haproxy", "nginx"] as const) {
		const at = await balancers[name].start({ flavour: "any-node", nodePorts: [port, port, port] });
		const balancerPort = Number(new URL(at.origin).port);
		const host = "docs.example";
		expect(await knock(balancerPort, { host, origin: "https://docs.example" }), name).toBe(101);
		expect(await knock(balancerPort, { host, origin: "https://evil.example" }), name).toBe(403);
	}
});

test("whoever says which origins, or who may do what, has the last word", async () => {
	const foreign = { host: "localhost", origin: "https://evil.example" };
	for (const node of [
		await startNode(["--allowed-origins", "*"]),
		await startNode([], { INDELIBLE_AUTH_JWT_SECRET: testSecret }),
		await startNode(["--auth-anonymous-read", "public/*"]),
	])
		expect(await knock(node.port, foreign)).toBe(101);
	const strict = await startNode(["--allowed-origins", "same-host,https://app.example"], {
		INDELIBLE_AUTH_JWT_SECRET: testSecret,
	});
	expect(await knock(strict.port, foreign)).toBe(403);
	expect(await knock(strict.port, { host: "localhost", origin: "https://app.example" })).toBe(101);
});

test("a node in somebody else's server leaves origins to that server, unless it is told", async () => {
	const foreign = { host: "localhost", origin: "https://evil.example" };
	expect(await knock((await startLocalNode()).port, foreign)).toBe(101);
	expect(await knock((await startLocalNode({ allowedOrigins: "same-host" })).port, foreign)).toBe(403);
});
