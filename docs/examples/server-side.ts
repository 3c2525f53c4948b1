import { generateHTML } from "@tiptap/html";
import { StarterKit } from "@tiptap/starter-kit";
import { yXmlFragmentToProsemirrorJSON } from "@tiptap/y-tiptap";
import type { Doc } from "yjs";
import type { IndelibleNode, NodeOptions } from "../../server/index.ts";

// The examples of docs/embedding.md, which quotes this file. test/integration/embedding.test.ts runs them.

export async function read<Result>(node: IndelibleNode, name: string, look: (document: Doc) => Result) {
	const connection = await node.openDirectConnection(name);
	try {
		return connection.document && look(connection.document);
	} finally {
		await connection.disconnect();
	}
}

export function asHtml(document: Doc): string {
	const json = yXmlFragmentToProsemirrorJSON(document.getXmlFragment("default"));
	return generateHTML(json, [StarterKit]);
}

export async function publish(node: IndelibleNode, name: string) {
	const connection = await node.openDirectConnection(name);
	try {
		await connection.transact((document) => {
			document.getMap("details").set("publishedAt", Date.now());
		});
	} finally {
		await connection.disconnect();
	}
}

export async function remove(node: IndelibleNode, name: string) {
	const status = await node.durability.delete(name);
	return status !== "unknown";
}

export async function strangers(node: IndelibleNode, isKnown: (name: string) => Promise<boolean>) {
	const names: string[] = [];
	for (let after: string | undefined; ; ) {
		const { documents, hasMore } = await node.durability.list({ after, limit: 10_000 });
		for (const { name } of documents) if (!(await isKnown(name))) names.push(name);
		after = documents.at(-1)?.name;
		if (!hasMore) return names;
	}
}

export function telling(backend: string): NodeOptions {
	return {
		async onStoreDocument({ documentName, document }) {
			const body = JSON.stringify({ documentName, text: document.getText("text").toString() });
			await fetch(backend, { method: "POST", headers: { "Content-Type": "application/json" }, body });
		},
	};
}
