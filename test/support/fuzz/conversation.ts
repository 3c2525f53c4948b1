import { HocuspocusProvider, HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { eventually } from "../eventually.ts";

/** What a real provider sends while somebody writes, draws, moves the caret, loses the connection, leaves, and says goodbye. */
export async function recordConversation(url: string, documentName: string): Promise<Uint8Array[]> {
	const frames: Uint8Array[] = [];
	class Recorder extends WebSocket {
		override send(data: Uint8Array): void {
			frames.push(Uint8Array.from(data));
			super.send(data);
		}
	}
	const socket = new HocuspocusProviderWebsocket({ url, WebSocketPolyfill: Recorder });
	const provider = new HocuspocusProvider({
		websocketProvider: socket,
		name: documentName,
		token: "a token",
	});
	provider.attach();
	await eventually("the recorded provider to be synced", () => provider.isSynced);
	const { document } = provider;
	const text = document.getText("text");
	const xml = document.getXmlFragment("xml");
	text.insert(0, "hello, world");
	text.format(0, 5, { bold: true });
	text.insertEmbed(3, { image: "picture" });
	text.delete(1, 2);
	const paragraph = new Y.XmlElement("paragraph");
	xml.insert(0, [paragraph, new Y.XmlText("words")]);
	paragraph.setAttribute("align", "left");
	paragraph.insert(0, [new Y.XmlText("more words")]);
	document.getMap("map").set("key", new Y.Map([["nested", new Y.Array()]]));
	document.getArray("list").push([1, "two", null, { three: 3 }, new Uint8Array(4)]);
	xml.delete(0, 1);
	document.getMap("map").delete("key");
	provider.setAwarenessField("user", { name: "Ada", color: "#fff" });
	provider.setAwarenessField("cursor", { anchor: 3, head: 5 });
	provider.sendStateless("a message");
	await eventually("the recorded provider to be saved", () => provider.unsyncedChanges === 0);
	provider.sendToken();
	provider.forceSync();
	await eventually("the recorded provider to be synced again", () => provider.isSynced);
	const before = frames.length;
	provider.destroy();
	await eventually("its last frame", () => frames.length > before);
	socket.destroy();
	return frames;
}
