import { once } from "node:events";
import { connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { type Client, openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { type NodeProcess, type StartOptions, startNodeProcess } from "../support/node-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { signToken, testSecret } from "../support/tokens.ts";
import { authenticationFrame, syncStep1Frame, syncStep2Frame } from "../support/wire-frames.ts";

/** How many of whatever there are too many of, in thousands. */
const thousands = Number(process.env.INDELIBLE_FLOOD ?? 1);

async function start(options: Partial<StartOptions> = {}): Promise<NodeProcess> {
	const node = await startNodeProcess({ data: temporaryFolder(), ...options });
	onTestFinished(() => void node.child.kill("SIGKILL"));
	return node;
}

function open({ url }: NodeProcess, name: string, token?: string): Client {
	const client = openClient({ url, name, ...(token === undefined ? {} : { token }) });
	onTestFinished(() => client.destroy());
	return client;
}

async function metric({ port }: NodeProcess, name: string): Promise<number> {
	const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
	const values = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "gm"))];
	if (values.length === 0) throw new Error(`there is no metric ${name}`);
	return values.reduce((sum, [, value]) => sum + Number(value), 0);
}

/** Does the work for each of so many, for some at a time. */
async function flood(count: number, atOnce: number, work: (index: number) => Promise<void>): Promise<void> {
	let next = 0;
	await Promise.all(
		Array.from({ length: atOnce }, async () => {
			while (next < count) {
				next += 1;
				await work(next);
			}
		}),
	);
}

const upgrade =
	"GET / HTTP/1.1\r\nHost: node\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

test("[TRN5] thousands of connections that are cut off amid their handshake, or right after it, leave nothing behind, and people are served meanwhile", async () => {
	const node = await start();
	const people = [await open(node, "doc").synced(), await open(node, "doc").synced()];
	const connections = await metric(node, "indelible_connections");
	const flooded = flood(thousands * 1_500, 50, async (index) => {
		const socket = connect(node.port, "127.0.0.1");
		socket.on("error", () => {});
		await once(socket, "connect");
		socket.write(upgrade.slice(0, index % 4 === 0 ? upgrade.length : index % upgrade.length));
		if (index % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
		if (index % 2 === 0) socket.resetAndDestroy();
		else socket.destroy();
	});
	for (const word of ["one ", "two ", "three "]) for (const person of people) await person.type(word).saved();
	await flooded;
	for (const person of people) await person.type("after ").saved();
	await eventually("the same text", () => people[0]?.text.toString() === people[1]?.text.toString());
	await eventually(
		"them to be gone",
		async () => (await metric(node, "indelible_connections")) === connections,
	);
	for (const { closes } of people) expect(closes).toEqual([]);
});

/** One after the other on one socket, as fast as they are taken. */
async function openAndLeave({ url }: NodeProcess, names: readonly string[]): Promise<void> {
	const ws = new WebSocket(url);
	ws.on("error", () => {});
	await once(ws, "open");
	const document = new Y.Doc();
	document.getText("text").insert(0, "tiny");
	const update = Y.encodeStateAsUpdate(document);
	let acknowledged = 0;
	ws.on("message", (frame: Buffer) => {
		const typeAt = (frame[0] ?? 0) + 1;
		if (frame[typeAt] === 8 && frame[typeAt + 1] === 1) acknowledged += 1;
	});
	for (const name of names) {
		ws.send(authenticationFrame(name));
		ws.send(syncStep1Frame(name));
		ws.send(syncStep2Frame(name, update));
	}
	await eventually("all to be acknowledged", () => acknowledged === names.length);
	ws.close();
	await once(ws, "close");
}

test("[TRN5] [DUR1] thousands of tiny documents that are opened, edited and left are stored, and are out of memory afterwards", async () => {
	const node = await start();
	const bystander = await open(node, "bystander").synced();
	const sockets = thousands * 20;
	const round = async (number: number) => {
		await flood(sockets, 10, (socket) =>
			openAndLeave(
				node,
				Array.from({ length: 50 }, (_, index) => `tiny ${number} ${socket} ${index}`),
			),
		);
		await eventually("them to leave memory", async () => (await metric(node, "indelible_documents")) === 1);
	};
	await round(1);
	await round(2);
	await bystander.type("unharmed").saved();
	expect(bystander.closes).toEqual([]);
	for (const name of ["tiny 1 1 0", `tiny 2 ${sockets} 49`]) {
		const late = await open(node, name).synced();
		expect(late.text.toString()).toBe("tiny");
	}
});

test("[ACC1] [TRN5] a storm of wrong tokens does not keep those out who have right ones, nor those in who are in", async () => {
	const node = await start({ environment: { INDELIBLE_AUTH_JWT_SECRET: testSecret } });
	const token = await signToken({ sub: "ann" });
	const inside = await open(node, "doc", token).synced();
	const denied = { count: 0 };
	const storm = flood(thousands * 400, 20, async (index) => {
		const ws = new WebSocket(node.url);
		ws.on("error", () => {});
		await once(ws, "open");
		ws.on("message", () => (denied.count += 1));
		for (let attempt = 0; attempt < 5; attempt += 1)
			ws.send(authenticationFrame("doc", `${index}.${attempt}.wrong`));
		const answered = Promise.race([once(ws, "pong"), once(ws, "close")]);
		ws.ping();
		await answered;
		ws.terminate();
	});
	await inside.type("during ").saved();
	const late = await open(node, "doc", token).synced();
	await storm;
	await late.type("after").saved();
	await eventually("the text", () => inside.text.toString() === "during after");
	expect(denied.count).toBeGreaterThan(0);
	expect([...inside.closes, ...inside.denials]).toEqual([]);
});

test("[TRN5] [CON1] a document of many megabytes, and all who open it, cost those nothing who work in another", async () => {
	const node = await start();
	const people = [await open(node, "small").synced(), await open(node, "small").synced()];
	const author = await open(node, "giant").synced();
	for (let part = 0; part < 6; part += 1) author.type("x".repeat(2 * 1024 * 1024));
	const joiners = Array.from({ length: 4 }, () => open(node, "giant"));
	for (let word = 0; word < 20; word += 1) for (const person of people) await person.type(`${word} `).saved();
	await author.saved();
	for (const joiner of joiners)
		await eventually("all of it", () => joiner.text.length === author.text.length, 60_000);
	await eventually("the same text", () => people[0]?.text.toString() === people[1]?.text.toString());
	for (const { closes } of [...people, author, ...joiners]) expect(closes).toEqual([]);
});
