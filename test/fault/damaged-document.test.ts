import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { tamper } from "../support/damage.ts";
import { eventually } from "../support/eventually.ts";
import { startLocalNode } from "../support/local-node.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** A data folder with the documents "good" and "bad", written by a node. */
async function writtenFolder(): Promise<{ data: string; path: string }> {
	const data = temporaryFolder();
	const { client, close } = await startLocalNode({ data });
	for (const name of ["good", "bad"]) {
		const author = await client(name).synced();
		await author.type(`all of ${name}`).saved();
	}
	await close();
	return { data, path: join(data, "indelible.sqlite") };
}

const badKey = "(SELECT key FROM documents WHERE name = 'bad')";

/** Everything that is stored of the damaged document, for comparing. */
function rowsOf(path: string): unknown {
	let rows: unknown;
	tamper(path, (database) => {
		rows = ["log", "snapshots"].map((table) =>
			database.prepare(`SELECT hex(data) AS data FROM ${table} WHERE document = ${badKey}`).all(),
		);
	});
	return rows;
}

test("[DUR5] a damaged document is refused with its reason, is not served as empty, and stays as it is; others work", async () => {
	const { data, path } = await writtenFolder();
	tamper(path, (database) => {
		database.exec(`UPDATE log SET data = zeroblob(length(data)) WHERE document = ${badKey}`);
	});
	const before = rowsOf(path);
	const errors: string[] = [];
	const remember = (...said: unknown[]) => errors.push(said.map(say).join(" "));
	// Hocuspocus itself says on the console which hook failed.
	vi.spyOn(console, "error").mockImplementation(remember);
	onTestFinished(() => {
		vi.restoreAllMocks();
	});
	const logger = { debug: () => {}, info: () => {}, warn: remember, error: remember };
	const { node, client, close } = await startLocalNode({ data, logger });

	const refused = client("bad");
	// Somebody who edits without waiting: the edit stays on the device, unsaved.
	refused.type("typed into the void");
	await eventually("the refusal", () => refused.denials.length > 0);
	expect(refused.denials[0]).toBe("document-damaged");
	expect(refused.provider.isSynced).toBe(false);
	expect(refused.provider.hasUnsyncedChanges).toBe(true);
	expect(node.hocuspocus.documents.has("bad")).toBe(false);
	await expect(node.openDirectConnection("bad")).rejects.toThrow(/damaged/);

	const reader = await client("good").synced();
	expect(reader.text.toString()).toBe("all of good");
	await reader.type(" and more").saved();
	expect(node.readiness()).toEqual({ ready: true, reasons: [] });

	const again = client("bad");
	await eventually("the second refusal", () => again.denials.length > 0);
	expect(again.text.toString()).toBe("");
	expect(again.provider.isSynced).toBe(false);
	await close();
	expect(rowsOf(path)).toEqual(before);
	expect(errors.join("\n"), "the operator is told").toMatch(/bad.* is damaged/);
});

function say(said: unknown): string {
	return JSON.stringify(said, (_, value) => (value instanceof Error ? value.message : value)) ?? "";
}

test("[DUR5] a damaged document can be put back while the node runs", async () => {
	const { data, path } = await writtenFolder();
	let kept: unknown;
	tamper(path, (database) => {
		kept = database.prepare(`SELECT data FROM log WHERE document = ${badKey}`).get()?.data;
		database.exec(`UPDATE log SET data = substr(data, 1, 9) WHERE document = ${badKey}`);
	});
	const { client } = await startLocalNode({ data });
	const refused = client("bad");
	await eventually("the refusal", () => refused.denials.length > 0);
	tamper(path, (database) =>
		database.prepare(`UPDATE log SET data = ? WHERE document = ${badKey}`).run(kept as Uint8Array),
	);
	const reader = await client("bad").synced();
	expect(reader.text.toString()).toBe("all of bad");
	await reader.type(" again").saved();
});
