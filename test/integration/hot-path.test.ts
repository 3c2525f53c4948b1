import * as encoding from "lib0/encoding";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { documentName, HandServer } from "../support/hand-server.ts";
import { authenticationFrame, closeFrame, messageFrame, syncStep1Frame } from "../support/wire-frames.ts";

test("[CON1] what somebody sends reaches everybody else once, and its author not at all", async () => {
	const server = new HandServer();
	const [author, other, plain] = [
		await server.client(),
		await server.client(),
		await server.client(documentName, false),
	];
	author.type("hello");
	await eventually(
		"the others to have it",
		() => other.text.toString() === "hello" && plain.text.toString() === "hello",
	);
	expect([author, other, plain].map(({ received }) => received.length)).toEqual([0, 1, 1]);
	await eventually("the acknowledgements", () => author.acknowledgements === 2);
	expect(await server.storedText()).toBe("hello");
});

test("[DUR1] an edit that is applied amid a change of somebody else's is acknowledged when it is durable", async () => {
	const server = new HandServer();
	const [author, other] = [await server.client(), await server.client()];
	await eventually(
		"their first acknowledgements",
		() => author.acknowledgements + other.acknowledgements === 2,
	);
	const release = server.store.hold();
	const { document } = server;
	document.getMap("out").observe(() => {
		for (const connection of document.getConnections())
			if (connection.socketId !== undefined) connection.document.flush();
	});
	author.type("hello");
	document.getMap("out").set("now", true);
	expect(server.text).toBe("hello");
	await new Promise((resolve) => setImmediate(resolve));
	await new Promise((resolve) => setImmediate(resolve));
	expect(author.acknowledgements).toBe(1);
	release();
	await eventually("the acknowledgement", () => author.acknowledgements === 2);
	expect(await server.storedText()).toBe("hello");
	await eventually("the other to have it", () => other.text.toString() === "hello");
});

test("[CON1] who is sent nothing because it was the author, was the author of all of it", async () => {
	const server = new HandServer();
	const [first, second, third] = [await server.client(), await server.client(), await server.client()];
	server.document.getText("text").observe((_event, { origin }) => {
		// Whoever flushes amid a change sends what was there before.
		if (origin !== null) server.document.flush();
	});
	first.type("a");
	third.socket.send(syncStep1Frame(documentName, third.document));
	second.type("b");
	await eventually("all to have both", () => [first, second, third].every(({ text }) => text.length === 2));
	expect(new Set([first, second, third].map(({ text }) => text.toString())).size).toBe(1);
});

test("[TRN2] [TRN5] a slow reader that asks for nonsense meanwhile is closed when it reads again, and nobody else", async () => {
	const server = new HandServer({ readerBacklogBytesMax: 1_000 });
	const [author, slow] = [await server.client(), await server.client()];
	slow.socket.pause();
	author.type("x".repeat(2_000));
	await eventually("it to fall behind", () => server.sync.stats().slowReaders === 1);
	slow.socket.send(
		messageFrame(documentName, (encoder) => {
			encoding.writeVarUint(encoder, 0);
			encoding.writeVarUint(encoder, 0);
			encoding.writeVarUint8Array(encoder, Uint8Array.from([255, 255]));
		}),
	);
	slow.socket.resume();
	await eventually("it to be closed", () => slow.socket.closes.length === 1);
	author.type("y");
	await eventually("the other to go on", () => server.text.endsWith("y"));
});

test("[TRN2] a client that comes back again and again and reads nothing is not sent everything each time", async () => {
	const server = new HandServer({ readerBacklogBytesMax: 10_000 });
	const author = await server.client();
	author.type("x".repeat(50_000));
	await eventually("it to be there", () => server.text.length === 50_000);
	const slow = await server.client();
	slow.socket.pause();
	for (let time = 0; time < 20; time += 1) {
		slow.socket.send(closeFrame(documentName));
		slow.socket.send(authenticationFrame(documentName));
		await eventually("it to be back", () => server.document.getConnectionsCount() === 2);
		for (let again = 0; again < 3; again += 1) slow.socket.send(syncStep1Frame(documentName));
	}
	expect(slow.socket.waitingBytes).toBeLessThan(3 * 50_000);
	slow.socket.resume();
	await eventually("it to be in step", () => slow.text.length === 50_000);
});
