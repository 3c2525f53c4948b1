import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { WebSocketServer } from "ws";
import { checkDeployment, type DeploymentOptions } from "../../server/doctor/deployment.ts";
import { balancers } from "../support/balancer.ts";
import { makeCertificates } from "../support/certificates.ts";
import { localCluster } from "../support/cluster.ts";
import { runCommand } from "../support/command-line.ts";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { freePort, type NodeProcess, startNodeProcess } from "../support/node-process.ts";
import { startRedis } from "../support/redis-server.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startTlsFront } from "../support/tls-front.ts";
import { signToken, testSecret } from "../support/tokens.ts";

interface Finding {
	readonly check: string;
	readonly result: "ok" | "warning" | "problem";
	readonly detail: string;
	readonly advice?: string;
}

interface Found {
	readonly code: number | null;
	readonly findings: readonly Finding[];
	/** What the checks of this name have found, as `result: detail`. */
	of(check: string): string[];
}

const adminToken = "an admin token of some length";

function read(output: string, code: number | null): Found {
	const { ok, findings } = JSON.parse(output) as { ok: boolean; findings: Finding[] };
	expect(ok).toBe(code === 0);
	for (const { result, advice } of findings) expect(advice === undefined).toBe(result === "ok");
	return {
		code,
		findings,
		of: (check) =>
			findings.flatMap((each) => (each.check === check ? [`${each.result}: ${each.detail}`] : [])),
	};
}

/** In this process, which saves starting one. */
async function examine(url: string, options: Partial<DeploymentOptions> = {}): Promise<Found> {
	const log = vi.spyOn(console, "log").mockImplementation(() => {});
	try {
		const code = await checkDeployment({ url, connections: 3, idleS: 0, ...options, json: true });
		return read(String(log.mock.calls[0]?.[0]), code);
	} finally {
		log.mockRestore();
	}
}

/** As people run it. */
async function runDoctor(
	url: string,
	flags: readonly string[] = [],
	environment: Record<string, string> = {},
): Promise<Found> {
	const args = ["doctor", "--json", "--url", url, "--connections", "2", "--idle-s", "0", ...flags];
	const { code, output, errors } = await runCommand(args, { environment });
	expect(errors).toBe("");
	return read(output, code);
}

async function startNode(flags: readonly string[], environment = {}): Promise<NodeProcess> {
	const node = await startNodeProcess({ data: temporaryFolder(), flags, environment });
	onTestFinished(async () => {
		await node.stop("SIGKILL");
	});
	return node;
}

test("a node on its own: everything is tried, and nothing of it is left in the document", async () => {
	const node = await startLocalNode({ pingIntervalMs: 1_000 });
	const { code, of } = await examine(node.url, { idleS: 20 });
	expect(code).toBe(0);
	expect(of("connection")).toEqual([expect.stringMatching(/^ok: /)]);
	expect(of("readiness")).toEqual(["ok: /readyz: a node is ready"]);
	expect(of("nodes")).toEqual([expect.stringContaining(`one node answers (${node.node.name} `)]);
	expect(of("edits")).toEqual([expect.stringMatching(/^ok: an edit was acknowledged/)]);
	expect(of("fan-out")).toEqual([expect.stringMatching(/^ok: /)]);
	expect(of("frames")).toEqual(["ok: 8 MiB in one message pass"]);
	expect(of("silence")).toEqual([expect.stringMatching(/^ok: .*from ping to ping/)]);
	expect(of("clock")).toEqual(["ok: the node's clock agrees with this machine's"]);
	expect(of("access")).toEqual([expect.stringMatching(/^warning: EVERYBODY may READ AND WRITE/)]);
	const reader = await node.client("indelible-doctor").synced();
	expect(reader.document.getMap("doctor").size).toBe(0);
});

test("nodes behind a balancer: which they are, and that they hear each other", async () => {
	const { url: redisUrl } = await startRedis();
	const cluster = localCluster(redisUrl, { pingIntervalMs: 1_000 });
	const nodes = [await cluster.node(), await cluster.node(), await cluster.node()];
	const nodePorts = nodes.map(({ port }) => port);
	const at = await balancers.haproxy.start({ flavour: "any-node", nodePorts });
	const { code, of } = await examine(at.url);
	expect(code).toBe(0);
	expect(of("nodes")).toEqual([expect.stringMatching(/^ok: 3 nodes answer .*any node for anybody/)]);
	expect(of("crossing")).toHaveLength(2);
	for (const finding of of("crossing")) expect(finding).toMatch(/^ok: an edit and a cursor get from node/);
	const affine = await balancers.haproxy.start({ flavour: "document-affinity", nodePorts });
	const other = await examine(`${affine.url}?document=x`, { documentName: "x" });
	expect(other.of("nodes")).toEqual([expect.stringMatching(/[23] nodes answer .*the document in the URL/)]);
});

test("Redis is away: edits get through the database, cursors don't, and both are said", async () => {
	const redis = await startRedis();
	const cluster = localCluster(redis.url);
	const [one, two] = [await cluster.node(), await cluster.node()];
	const nodes = [one, two];
	const nodePorts = [one.port, two.port, two.port];
	const { url } = await balancers.haproxy.start({ flavour: "any-node", nodePorts });
	await redis.kill();
	await eventually("the nodes to notice", () =>
		nodes.every(({ node }) => (node.readiness().degraded ?? []).length > 0),
	);
	const { code, of } = await examine(url, { patienceS: 4 });
	expect(code).toBe(1);
	expect(of("readiness")).toEqual([expect.stringMatching(/^warning: .*Redis at .* is away/)]);
	expect(of("crossing")[0]).toMatch(/^problem: an edit gets from node .*, a cursor does not/);
	expect(of("edits")).toEqual([expect.stringMatching(/^ok: /)]);
});

test("nodes that keep documents of their own behind one balancer", async () => {
	const [one, two] = [await startLocalNode(), await startLocalNode()];
	const nodePorts = [one.port, two.port, two.port];
	const { url } = await balancers.haproxy.start({ flavour: "any-node", nodePorts });
	const { code, of } = await examine(url, { patienceS: 2 });
	expect(code).toBe(1);
	expect(of("crossing")).toEqual([expect.stringMatching(/^problem: an edit did not get from node/)]);
});

test("a balancer that ends silent sockets before the node pings", async () => {
	const node = await startLocalNode({ pingIntervalMs: 30_000 });
	const { url } = await balancers.haproxy.start({
		flavour: "any-node",
		nodePorts: [node.port, node.port, node.port],
		edit: (text) => text.replace("timeout tunnel 90s", "timeout tunnel 2s"),
	});
	const { code, of, findings } = await examine(url, { idleS: 20 });
	expect(code).toBe(1);
	expect(of("silence")).toEqual([expect.stringMatching(/^problem: a socket was closed after [\d.]+ s/)]);
	expect(findings.find(({ check }) => check === "silence")?.advice).toContain("pingIntervalMs");
});

describe("TLS", () => {
	async function examineTls(options: Parameters<typeof makeCertificates>[0], trusts = true) {
		const { certificate, key, authority } = makeCertificates(options);
		const [port, data] = [await freePort(), temporaryFolder()];
		// Behind it, so that it can be asked whether it is ready.
		const inner = await startLocalNode({ pingIntervalMs: 1_000, data });

		await startTlsFront({ port, target: inner.port, certificate, key });
		return runDoctor(`wss://localhost:${port}`, [], trusts ? { NODE_EXTRA_CA_CERTS: authority } : {});
	}

	test("a good certificate, soon to expire", async () => {
		const { code, of } = await examineTls({});
		expect(of("TLS")).toEqual([expect.stringMatching(/^warning: TLSv1.3, .* 1 more days/)]);
		expect(of("edits")).toEqual([expect.stringMatching(/^ok: /)]);
		expect(code).toBe(0);
	});

	test.for([
		["has expired", { days: -1 }, true, /the certificate has expired on/],
		["is for another name", { days: 60, names: "DNS:elsewhere.example" }, true, /ALTNAME/],
		[
			"is of an authority that nobody knows",
			{ days: 60 },
			false,
			/UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED/,
		],
	] as const)("a certificate that %s", async ([, options, trusts, detail]) => {
		const { code, of, findings } = await examineTls(options, trusts);
		expect(code).toBe(1);
		expect(of("TLS")[0]).toMatch(/^problem: /);
		expect(of("TLS")[0]).toMatch(detail);
		// Editors would not get any further either.
		expect(findings.at(-1)?.check).toBe("TLS");
	});
});

describe("tokens", () => {
	const environment = { INDELIBLE_AUTH_JWT_SECRET: testSecret };

	test("[ACC1] a good one, a wrong one, one for reading, and none", async () => {
		const node = await startNode([], environment);
		const good = await signToken();
		const flags = ["--token-variable", "EDITOR_TOKEN"];
		const found = await runDoctor(node.url, flags, { EDITOR_TOKEN: good });
		expect(found.code).toBe(0);
		expect(found.of("access")).toEqual([
			expect.stringMatching(/^ok: without a token, a document is refused/),
		]);
		expect(found.of("origins")).toEqual([expect.stringMatching(/^ok: /)]);
		const reading = await signToken({ readonlyDocumentNames: ["*"] });
		const readonly = await runDoctor(node.url, flags, { EDITOR_TOKEN: reading });
		expect(readonly.of("edits")).toEqual([expect.stringContaining("allows reading only")]);
		for (const token of ["not.a.token", ""]) {
			const refused = await runDoctor(node.url, flags, { EDITOR_TOKEN: token });
			expect(refused.code).toBe(1);
			expect(refused.of("document")).toEqual([
				expect.stringMatching(/^problem: "indelible-doctor" was refused/),
			]);
			expect(JSON.stringify(refused.findings)).not.toContain(good);
		}
	});

	test("a variable that is not there is an error of use", async () => {
		const args = ["doctor", "--url", "ws://localhost:1", "--token-variable", "NOT_THERE"];
		expect(await runCommand(args)).toMatchObject({ code: 2, errors: expect.stringContaining("NOT_THERE") });
	});
});

test("what is no address of a deployment is an error of use", async () => {
	for (const url of ["ftp://localhost:1", "localhost", "wss:"])
		await expect(examine(url)).rejects.toThrow("--url must be a URL like wss://");
	const { code, errors } = await runCommand(["doctor", "--url", "localhost"]);
	expect({ code, errors }).toEqual({ code: 2, errors: expect.stringContaining("wss://") });
	// Of a page, as people copy it, the deployment's is meant.
	const copied = await examine(`http://127.0.0.1:${await freePort()}`);
	expect(copied.code).toBe(1);
});

test("what goes with --url alone is refused without it", async () => {
	const data = ["--data", temporaryFolder()];
	for (const [command, flag, value] of [
		[["doctor", ...data], "--token", "t"],
		[["doctor", ...data], "--document", "d"],
		[["doctor", ...data], "--idle-s", "0"],
		[["import", "file", "--document", "d", ...data], "--token-variable", "T"],
	] as const) {
		const found = await runCommand([...command, flag, value], { environment: { T: "t" } });
		expect(found).toMatchObject({ code: 2, errors: `indelible: ${flag} needs --url\n` });
	}
});

test("a name and a password in the URL are for HTTP as well, and are not shown", async () => {
	const node = await startLocalNode();
	const asked: string[] = [];
	const front = createHttpServer((request, response) => {
		asked.push(request.headers.authorization ?? "none");
		response.writeHead(404).end();
	}).listen(0, "127.0.0.1");
	front.on("upgrade", (request, socket, head) => {
		asked.push(request.headers.authorization ?? "none");
		node.node.handleUpgrade(request, socket, head);
	});
	await once(front, "listening");
	onTestFinished(() => void front.close());
	const { port } = front.address() as AddressInfo;
	const { code, of, findings } = await examine(`ws://ann:s3cret%21@127.0.0.1:${port}?ticket=t1cket`);
	expect(code).toBe(0);
	expect(of("readiness")).toEqual([expect.stringContaining("HTTP 404")]);
	expect(new Set(asked)).toEqual(new Set([`Basic ${btoa("ann:s3cret!")}`]));
	expect(JSON.stringify(findings)).not.toMatch(/s3cret|t1cket/);
});

test("for people, each finding has a line, and what to do below it", async () => {
	const node = await startLocalNode();
	const args = ["doctor", "--url", node.url, "--connections", "2", "--idle-s", "1"];
	const { code, output, errors } = await runCommand(args);
	expect(code).toBe(0);
	expect(output).toMatch(/^ok {7}document {4}"indelible-doctor" opens, with no token$/m);
	expect(output).toMatch(/^warning {2}access {6}EVERYBODY may .*\n {21}Say who may do what/m);
	expect(errors).toMatch(/^… waiting .* --idle-s 0 leaves it out\n$/);
});

test("nobody there", async () => {
	const { code, of } = await examine(`ws://127.0.0.1:${await freePort()}`);
	expect(code).toBe(1);
	expect(of("connection")).toEqual([expect.stringMatching(/^problem: .*ECONNREFUSED/)]);
});

test("something there that does not speak WebSocket", async () => {
	const server = createHttpServer((_request, response) => response.writeHead(404).end("<html>no</html>"));
	await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
	onTestFinished(() => void server.close());
	const { code, of, findings } = await examine(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
	expect(code).toBe(1);
	expect(of("document")[0]).toMatch(/^problem: no WebSocket at this address: HTTP 404/);
	expect(findings.find(({ check }) => check === "document")?.advice).toContain("Upgrade");
});

test("something there that speaks another protocol", async () => {
	const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
	await new Promise((done) => server.once("listening", done));
	onTestFinished(() => void server.close());
	server.on("connection", (socket) => socket.on("message", () => socket.send("hello to you, too")));
	const { code, of } = await examine(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
	expect(code).toBe(1);
	expect(of("document")[0]).toMatch(/^problem: .*not the protocol of Hocuspocus/);
});

test("a clock that is an hour behind", async () => {
	const node = await startLocalNode();
	const proxy = await startTcpProxy(node.port);
	proxy.filter = (bytes) => {
		const text = bytes.toString("latin1");
		const said = /X-Indelible-Time: (\d+)/.exec(text)?.[1];
		if (said === undefined) return bytes;
		return Buffer.from(text.replace(said, String(Number(said) - 3_600_000)), "latin1");
	};
	const { of } = await examine(`ws://127.0.0.1:${proxy.port}`);
	expect(of("clock")).toEqual([expect.stringMatching(/^warning: the node's clock is 3\d{3}\.\d s behind/)]);
});

test("a store that hangs: the edit is not acknowledged", async () => {
	const node = await startLocalNode();
	node.store.fail("disk full");
	const { code, of } = await examine(node.url, { patienceS: 2 });
	expect(code).toBe(1);
	expect(of("edits")).toEqual([expect.stringMatching(/^problem: an edit was not acknowledged in 2 s/)]);
});

describe("addresses", () => {
	const environment = { INDELIBLE_ADMIN_TOKEN: adminToken };

	test.for([
		["nobody is trusted", [], /^warning: the node takes this machine for 127\.0\.0\.9, which is/],
		[
			"the balancer is trusted",
			["--trusted-proxies", "127.0.0.9"],
			/^ok: the node takes this machine for 127\.0\.0\.1, behind 127\.0\.0\.9/,
		],
	] as const)("%s", async ([, flags, expected]) => {
		const node = await startNode(flags, environment);
		const { url } = await balancers.haproxy.start({
			flavour: "any-node",
			nodePorts: [node.port, node.port, node.port],
			edit: (text) => text.replaceAll("balance leastconn", "balance leastconn\n\tsource 127.0.0.9"),
		});
		const found = await examine(url, { adminToken });
		expect(found.of("addresses")[0]).toMatch(expected);
		expect(found.of("operators")).toEqual([expect.stringMatching(/^ok: /)]);
	});

	test("a node that believes everybody", async () => {
		const node = await startNode(["--trusted-proxies", "0.0.0.0/0"], environment);
		const { of, code } = await examine(node.url, { adminToken });
		expect(of("addresses")[0]).toMatch(/^problem: .*believes whatever address a client claims/);
		expect(code).toBe(1);
	});

	test("whoever does not know the admin token is told nothing of it", async () => {
		const node = await startNode([], environment);
		expect(
			(await examine(node.url, { adminToken: "another token that is long enough" })).of("addresses"),
		).toEqual(["warning: the node does not know this admin token"]);
		expect((await examine(node.url)).of("addresses")).toEqual([]);
	});

	test("what is for operators and can be reached from outside is named", async () => {
		const node = await startNode([], environment);
		const [finding] = (await examine(node.url)).of("operators");
		expect(finding).toMatch(/^warning: .*\/metrics.*\/api/);
	});
});
