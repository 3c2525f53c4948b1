import { once } from "node:events";
import { connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { openClient } from "../support/client.ts";
import { mutatedRequest, oddRequests } from "../support/fuzz/http-requests.ts";
import { startNodeProcess } from "../support/node-process.ts";
import { Random, testSeed } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const rounds = Number(process.env.INDELIBLE_FUZZ_ROUNDS ?? 500);
const adminToken = "an operator's token, long enough to be one";

/** Sends bytes, ends, and waits for what comes. A server may hang up at any time. */
async function exchange(port: number, bytes: Buffer): Promise<string> {
	const socket = connect(port, "127.0.0.1");
	let answer = "";
	socket.setEncoding("latin1");
	socket.on("data", (chunk: string) => (answer += chunk));
	socket.on("error", () => {});
	await once(socket, "connect");
	const closed = once(socket, "close");
	socket.write(bytes);
	// Whoever has been let in as a WebSocket is not told to leave by half a connection.
	const patience = setTimeout(() => socket.destroy(), 2_000);
	socket.once("data", () => setTimeout(() => socket.destroy(), 5));
	socket.end();
	await closed;
	clearTimeout(patience);
	return answer;
}

function statusesIn(answer: string): number[] {
	return [...answer.matchAll(/^HTTP\/1\.[01] (\d{3})/gm)].map(([, status]) => Number(status));
}

test(`[TRN5] HTTP requests that no browser makes, and ${rounds} with bytes changed, are answered or cut off, and nothing else happens`, async () => {
	const random = new Random(testSeed("hostile http"));
	const node = await startNodeProcess({
		data: temporaryFolder(),
		flags: ["--log-level", "warn", "--trusted-proxies", "127.0.0.1"],
		environment: { INDELIBLE_ADMIN_TOKEN: adminToken },
	});
	onTestFinished(() => void node.child.kill("SIGKILL"));
	const client = openClient({ url: node.url, name: "doc" });
	onTestFinished(() => client.destroy());
	await client.synced();
	const requests = oddRequests(adminToken);
	const left = [...requests, ...Array.from({ length: rounds }, () => mutatedRequest(random, requests))];
	const surprises: string[] = [];
	const worker = async () => {
		for (let request = left.shift(); request !== undefined; request = left.shift()) {
			const answer = await exchange(node.port, request);
			const isOdd = statusesIn(answer).some((status) => status >= 500 && ![501, 503, 505].includes(status));
			if (isOdd || /node_modules|\.ts:\d+|root:x:0/.test(answer))
				surprises.push(
					`${JSON.stringify(request.toString("latin1").slice(0, 300))} → ${answer.slice(0, 300)}`,
				);
		}
	};
	await Promise.all(Array.from({ length: 8 }, worker));
	expect(surprises).toEqual([]);
	await client.type("unharmed").saved();
	expect(client.closes).toEqual([]);
	expect((await fetch(`http://127.0.0.1:${node.port}/readyz`)).status).toBe(200);
	expect(node.output()).not.toMatch(/"level":(50|60)/);
	client.destroy();
	expect(await node.stop()).toBe(0);
});
