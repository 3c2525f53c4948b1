import type { Extension } from "@hocuspocus/server";
import { expect, test } from "vitest";
import { startLocalNode } from "../support/local-node.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** What a client finds that opens the document on a node without any extension. */
async function textAfterRestart(data: string): Promise<string> {
	const { client } = await startLocalNode({ data });
	return (await client("doc").synced()).text.toString();
}

test("[DUR1] what an extension of any priority adds while loading is logged, and so stays what people build on it", async () => {
	const data = temporaryFolder();
	const greeting: Extension = {
		priority: 5_000,
		async onLoadDocument({ document }) {
			document.getText("text").insert(0, "hello ");
		},
	};
	const { client, close } = await startLocalNode({ data, extensions: [greeting] });
	await (await client("doc").synced()).type("world").saved();
	await close();
	expect(await textAfterRestart(data)).toBe("hello world");
});

test.each([
	"beforeAllTransactions",
	"beforeTransaction",
	"beforeObserverCalls",
	"afterTransaction",
	"afterTransactionCleanup",
	"update",
	"updateV2",
	"afterAllTransactions",
] as const)(
	"[DUR1] a listener of %s that throws does not keep acknowledged edits from the log",
	async (event) => {
		const data = temporaryFolder();
		const broken: Extension = {
			priority: 5_000,
			async onLoadDocument({ document }) {
				document.on(event, () => {
					throw new Error("their listener is broken");
				});
			},
		};
		const { client, close } = await startLocalNode({ data, extensions: [broken] });
		const author = await client("doc").synced();
		await author.type("kept").saved();
		await author.type(", and this").saved();
		await close();
		expect(await textAfterRestart(data)).toBe("kept, and this");
	},
);
