import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { localCluster } from "../support/cluster.ts";
import { runCommand } from "../support/command-line.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/node-process.ts";
import { startRedisCluster } from "../support/redis-cluster.ts";
import { startSentinel } from "../support/redis-sentinels.ts";
import { startRedis } from "../support/redis-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const settingsOf = ({ authority, certificate, key }: Certificates) => ({
	"tls-ca-cert-file": authority,
	"tls-cert-file": certificate,
	"tls-key-file": key,
	"tls-auth-clients": "no",
});

const flagsOf = (certificates: Certificates) =>
	Object.entries(settingsOf(certificates)).flatMap(([name, value]) => [`--${name}`, value]);

/** As NODE_EXTRA_CA_CERTS does for a process. */
function trust({ authorityText }: Certificates): void {
	const before = getCACertificates("default");
	setDefaultCACertificates([...before, authorityText]);
	onTestFinished(() => setDefaultCACertificates(before));
}

async function meetThrough(urls: readonly [string, string]): Promise<void> {
	const cluster = localCluster("unused");
	const one = await cluster.node({ redisUrl: urls[0] });
	const two = await cluster.node({ redisUrl: urls[1] });
	await eventually("the nodes to know each other", () =>
		[one, two].every(({ node }) => node.bus?.nodes.length === 1 && node.readiness().degraded?.length === 0),
	);
	const anna = await one.client("page").synced();
	const bert = await two.client("page").synced();
	anna.type("x");
	await eventually("the letter", () => bert.text.toString() === "x");
}

test("rediss:// checks the certificate, and takes authorities from NODE_EXTRA_CA_CERTS", async () => {
	const certificates = makeCertificates();
	const port = await freePort();
	const redis = await startRedis(...flagsOf(certificates), "--tls-port", String(port));
	await redis.command("CONFIG", "SET", "requirepass", "a b");
	const examine = (host: string, environment: Record<string, string>) => {
		const redisUrl = `rediss://:a%20b@${host}:${port}`;
		const settings = ["--redis-url", redisUrl, "--database-url", "postgres://127.0.0.1:1/none"];
		return runCommand(["doctor", ...settings], { folder: temporaryFolder(), environment });
	};
	const environment = { NODE_EXTRA_CA_CERTS: certificates.authority };
	expect((await examine("localhost", environment)).output).toMatch(
		/ok +Redis +(Redis|Valkey) \d+\.\d+\.\d+ at rediss:\/\/localhost:\d+\n/,
	);
	expect((await examine("127.0.0.1", environment)).output).toMatch(/ok +Redis +(Redis|Valkey) \d+/);
	expect((await examine("localhost", {})).output).toMatch(/PROBLEM +Redis .*certificate/);
});

test("a certificate for another name is not accepted, and a node says so", async () => {
	const certificates = makeCertificates();
	trust(certificates);
	const port = await freePort();
	await startRedis(...flagsOf(certificates), "--tls-port", String(port));
	// All of 127.0.0.0/8 is this machine.
	const { node } = await localCluster(`rediss://127.0.0.2:${port}`).node();
	expect(node.readiness().degraded).toEqual([expect.stringMatching(/is away: /)]);
	await meetThrough([`rediss://localhost:${port}`, `rediss://127.0.0.1:${port}`]);
});

test("rediss+sentinel:// is TLS to Sentinels and to Redis", async () => {
	const certificates = makeCertificates();
	trust(certificates);
	const [port, sentinelPort] = [await freePort(), await freePort()];
	await startRedis(...flagsOf(certificates), "--tls-port", String(port));
	const lines = Object.entries(settingsOf(certificates)).map(([name, value]) => `${name} ${value}`);
	lines.push(`tls-port ${sentinelPort}`, "tls-replication yes");
	await startSentinel({ primaryPort: port, quorum: 1 }, ...lines);
	const url = `rediss+sentinel://localhost:${sentinelPort}/mymaster`;
	await meetThrough([url, url]);
});

test("rediss+cluster:// is TLS to all servers of a cluster", async () => {
	const certificates = makeCertificates();
	trust(certificates);
	const ports = [await freePort(), await freePort(), await freePort()];
	let index = 0;
	const redis = await startRedisCluster(() => [
		...flagsOf(certificates),
		"--tls-port",
		String(ports[index++]),
	]);
	expect(redis.servers).toHaveLength(3);
	await meetThrough([`rediss+cluster://localhost:${ports[0]}`, `rediss+cluster://127.0.0.1:${ports[1]}`]);
});
