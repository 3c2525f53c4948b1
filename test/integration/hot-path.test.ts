import * as encoding from "lib0/encoding";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { quietMs } from "../../extensions/durability/handshake.ts";
import { eventually } from "../support/eventually.ts";
import { HandClient } from "../support/hand-client.ts";
import { documentName, HandServer } from "../support/hand-server.ts";
import {
	authenticationFrame,
	closeFrame,
	messageFrame,
	syncStep1Frame,
	updateFrame,
} from "../support/wire-frames.ts";

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

/** Yjs can read it, and fails at the first of its structs, which are the items 0 to 3 of client 1. */
const poison = Buffer.from("01040100012c01740184070001620701016101c40700070101780107010001", "hex");

test("[TRN5] [DUR1] an update that can't be applied is told from what its client sent with it, and from what others sent", async () => {
	const server = new HandServer();
	const [author, vandal, other] = [await server.client(), await server.client(), await server.client()];
	await eventually("them to be settled", () =>
		[author, vandal, other].every(({ acknowledgements }) => acknowledgements === 1),
	);
	author.type("be");
	vandal.socket.send(updateFrame(documentName, poison));
	// It builds on the one before, and waits for it in vain.
	vandal.socket.send(updateFrame(documentName, textAfter(1, "abcd", "e")));
	author.type("fore");
	await eventually("the vandal to be closed", () => vandal.socket.closes.length === 1);
	expect(vandal.socket.closes).toEqual([{ code: 4400, reason: "malformed-message" }]);
	expect(vandal.acknowledgements).toBe(1);
	await eventually("the others to go on", () => other.text.toString() === "before");
	await eventually("the acknowledgements", () => author.acknowledgements === 3);
	expect(author.socket.closes).toEqual([]);
	expect(await server.storedText()).toBe("before");
});

/** The second of two insertions. */
function textAfter(clientId: number, first: string, second: string): Uint8Array {
	const document = new Y.Doc();
	document.clientID = clientId;
	document.getText("text").insert(0, first);
	const known = Y.encodeStateVector(document);
	document.getText("text").insert(first.length, second);
	return Y.encodeStateAsUpdate(document, known);
}

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

test("[TRN5] what a listener of presence or of a type throws holds up nobody's edits", async () => {
	const failures: unknown[] = [];
	const server = new HandServer({
		extensions: [
			{
				async afterLoadDocument({ document }) {
					document.awareness.on("update", () => {
						failures.push("presence");
						throw new Error("their listener of presence is broken");
					});
					document.getText("text").observe(() => {
						failures.push("text");
						throw new Error("their observer is broken");
					});
				},
			},
		],
	});
	const [first, second] = [await server.client(), await server.client()];
	first.awareness.setLocalState({ name: "Ada" });
	first.type("a");
	second.type("b");
	await eventually("both to have both", () => first.text.length === 2 && second.text.length === 2);
	await eventually(
		"the acknowledgements",
		() => first.acknowledgements === 2 && second.acknowledgements === 2,
	);
	first.type("c");
	await eventually("the next edit", () => second.text.length === 3);
	expect(failures).toContain("presence");
	expect(failures).toContain("text");
	expect([...first.socket.closes, ...second.socket.closes]).toEqual([]);
	expect((await server.storedText()).length).toBe(3);
	await eventually("her presence", () => second.awareness.getStates().has(first.document.clientID));
});

test("[CON1] a client has the same document twice on one socket, and two documents, and each gets what is its own", async () => {
	const server = new HandServer();
	const one = await server.client("doc\0one");
	const two = new HandClient("doc\0two", one.socket);
	const other = new HandClient("other", one.socket);
	const receive = one.receive.bind(one);
	one.receive = (message) => {
		receive(message);
		two.receive(message);
		other.receive(message);
	};
	await two.open();
	await other.open();
	one.type("a");
	two.type("b");
	other.type("elsewhere");
	await eventually("both to have both", () => one.text.length === 2 && two.text.length === 2);
	expect(one.text.toString()).toBe(two.text.toString());
	await eventually("all to be acknowledged", () =>
		[one, two, other].every(({ acknowledgements }) => acknowledgements === 2),
	);
	expect(other.text.toString()).toBe("elsewhere");
	expect([one, two, other].map(({ received }) => received.length)).toEqual([1, 1, 0]);
	two.socket.send(closeFrame("doc\0two"));
	one.type("c");
	await eventually("the rest to go on", () => server.text.length === 3 && one.acknowledgements === 3);
	expect(two.text.length).toBe(2);
});

test("[DUR1] who begins anew is not sent acknowledgements that were waiting for a flush: they would be taken for others", async () => {
	const server = new HandServer();
	const [author, other, witness] = [await server.client(), await server.client(), await server.client()];
	author.type("x");
	author.text.delete(0, 1);
	author.send();
	await server.durability.flush();
	await eventually("acknowledgements", () => author.acknowledgements === 3);
	const known = updateFrame(
		documentName,
		Y.encodeStateAsUpdate(author.document, Y.encodeStateVector(author.document)),
	);
	/** What is known is acknowledged at once, which waits for the flush of what somebody else has done. */
	const beforeFlush = async (...messages: readonly Uint8Array[]) => {
		const flushes = witness.receivedPresence.length;
		other.awareness.setLocalState({ flushes });
		other.send();
		for (const message of [known, ...messages]) author.socket.send(message);
		await eventually("the flush", () => witness.receivedPresence.length > flushes);
	};

	await beforeFlush();
	expect(author.acknowledgements).toBe(4);
	await beforeFlush(syncStep1Frame(documentName, author.document));
	expect(author.acknowledgements).toBe(4);
	author.send();
	await eventually("that of its SyncStep2", () => author.acknowledgements === 5);
	await beforeFlush(closeFrame(documentName), authenticationFrame(documentName));
	expect(author.acknowledgements).toBe(5);
});

test("[DUR1] an acknowledgement that may not have been counted, and waits for the store, is not taken for that of the next edit", async () => {
	const server = new HandServer();
	const { store } = server;
	const author = await server.client();
	author.type("ab");
	await eventually("acknowledgements", () => author.acknowledgements === 2);
	const release = store.hold();
	author.socket.send(syncStep1Frame(documentName, author.document));
	// Its deletion is sent before the SyncStep2, and may have been counted or not.
	const step2 = author.outbox.splice(0);
	author.text.delete(0, 1);
	author.outbox.push(...step2);
	author.send();
	await new Promise((resolve) => setTimeout(resolve, quietMs + 100));
	const appends = store.appends;
	author.type("c");
	release();
	const releaseNext = store.hold();
	await eventually("the edit to be written", () => store.appends > appends);
	expect(author.acknowledgements).toBe(3);
	releaseNext();
	await eventually("its acknowledgement", () => author.acknowledgements === 4);
	await eventually("the other one, when the client is quiet", () => author.acknowledgements === 5);
});

test("[DUR1] an edit right before its author leaves, or hangs up, is not lost", async () => {
	const server = new HandServer();
	const [first, second, witness] = [await server.client(), await server.client(), await server.client()];
	first.type("a");
	first.socket.send(closeFrame(documentName));
	second.type("b");
	second.socket.hangUp();
	expect(server.text.length).toBe(2);
	await eventually("it to arrive", () => witness.text.length === 2);
	expect((await server.storedText()).length).toBe(2);
});

test("[DUR1] [DUR6] what waits to be applied when the server closes all connections is not lost", async () => {
	const server = new HandServer();
	const [author, other] = [await server.client(), await server.client()];
	author.type("kept");
	other.awareness.setLocalState({ cursor: 1 });
	other.send();
	server.hocuspocus.closeConnections();
	await eventually("the document to leave memory", () => server.hocuspocus.documents.size === 0);
	expect(await server.storedText()).toBe("kept");
});

test("[DUR1] edits that wait for others are acknowledged once stored, and appear when those come", async () => {
	const server = new HandServer();
	const [author, other] = [await server.client(), await server.client()];
	author.text.insert(0, "a");
	author.text.insert(1, "b");
	const [first, second] = author.outbox.splice(0) as [Uint8Array, Uint8Array];
	author.socket.send(second);
	await eventually("it to be acknowledged", () => author.acknowledgements === 2);
	other.type("c");
	author.socket.send(first);
	await eventually("all to be there", () => other.text.length === 3 && author.text.length === 3);
	expect(other.text.toString()).toBe(author.text.toString());
	await eventually("the other acknowledgement", () => author.acknowledgements === 3);
	expect(await server.storedText()).toBe(author.text.toString());
});

test("who may only read is refused in turn, and reads on", async () => {
	const server = new HandServer();
	const [author, reader] = [await server.client(), await server.client()];
	await eventually("it to be settled", () => reader.acknowledgements === 1);
	for (const connection of server.document.getConnections().slice(1)) connection.readOnly = true;
	author.type("a");
	reader.type("b");
	author.type("c");
	await eventually("the refusal", () => reader.refusals === 1);
	await eventually("what others write", () => reader.text.length === 3);
	expect(server.text).toBe("ac");
});
