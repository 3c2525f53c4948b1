import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findPostgres } from "../../scripts/services/postgres.ts";
import { type Client, openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/node-process.ts";
import { startPostgres } from "../support/postgres-server.ts";
import { openRunbook, type Runbook } from "../support/runbook.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Somebody who types word after word, each when the one before is acknowledged. */
class Author {
	readonly client: Client;
	/** Words that the server has said it has stored. */
	acknowledged = 0;
	#isTyping = true;

	constructor(url: string, name: string) {
		this.client = openClient({ url, name });
		onTestFinished(() => this.leave());
		// It ends with the client, and has nothing to say.
		void this.#type();
	}

	/** Stops, and closes the browser. */
	leave(): void {
		this.#isTyping = false;
		this.client.destroy();
	}

	async #type(): Promise<void> {
		for (let word = 1; this.#isTyping; word += 1) {
			this.client.type(`${word} `);
			try {
				await this.client.saved(60_000);
			} catch {
				return;
			}
			if (!this.#isTyping) return;
			this.acknowledged = word;
		}
	}
}

function wordsOf(client: Client): number[] {
	return client.text.toString().trim().split(" ").map(Number);
}

interface Drill {
	readonly runbook: Runbook;
	readonly url: string;
	readonly kind: "sqlite" | "postgres";
	/** Loses everything but the backups. */
	readonly destroy: () => Promise<void>;
}

/** What the page promises: everything that was acknowledged before a backup began is there again. */
async function drill({ runbook, url, kind, destroy }: Drill): Promise<void> {
	onTestFinished(() => runbook.kill());
	await runbook.systemctl("start");
	const authors = ["plan", "über/文書"].map((name) => new Author(url, name));
	const [stays] = authors;
	await eventually("some words to be stored", () => authors.every(({ acknowledged }) => acknowledged >= 20));
	await runbook.run(`${kind}-backup`);
	const second = Math.floor(Date.now() / 1_000);
	// Backups are called by the second.
	await eventually("another name", () => Math.floor(Date.now() / 1_000) > second);
	await eventually("more words", () => authors.every(({ acknowledged }) => acknowledged >= 30));
	const before = authors.map(({ acknowledged }) => acknowledged);
	await runbook.run(`${kind}-backup`);
	const after = authors.map(({ acknowledged }) => acknowledged);
	await eventually("words that no backup has", () =>
		authors.every(({ acknowledged }, index) => acknowledged > (after[index] ?? 0) + 5),
	);
	runbook.kill();
	authors[1]?.leave();
	await destroy();
	await runbook.run(`${kind}-restore`);
	const reader = openClient({ url, name: "über/文書" });
	onTestFinished(() => reader.destroy());
	const words = wordsOf(await reader.synced());
	expect(words.length).toBeGreaterThanOrEqual(before[1] ?? 0);
	// In order, none twice, none missing.
	expect(words).toEqual(words.map((_, index) => index + 1));
	// Whoever has kept the document open brings the rest back.
	const acknowledged = stays?.acknowledged ?? 0;
	const other = openClient({ url, name: "plan" });
	onTestFinished(() => other.destroy());
	await eventually("what the backup does not know", () => wordsOf(other).length > acknowledged, 60_000);
	expect(wordsOf(other)).toEqual(wordsOf(other).map((_, index) => index + 1));
	stays?.leave();
}

test("[DUR1] SQLite: the drill of the operators' page brings back what was acknowledged before the backup", async () => {
	const [data, backups, port] = [join(temporaryFolder(), "data"), temporaryFolder(), await freePort()];
	const url = `ws://127.0.0.1:${port}`;
	const runbook = openRunbook({
		places: {
			"/var/lib/indelible": data,
			"/backup": backups,
			"/tmp/plan.yjs": join(backups, "plan.yjs"),
			"wss://docs.example.com": url,
		},
		environment: { EDITOR_TOKEN: "none is needed" },
		nodeFlags: ["--data", data],
		port,
	});
	mkdirSync(data);
	await drill({
		runbook,
		url,
		kind: "sqlite",
		destroy: async () => rmSync(data, { recursive: true }),
	});
	await runbook.run("document");
	const restored = openClient({ url, name: "plan (restored)" });
	onTestFinished(() => restored.destroy());
	expect(wordsOf(await restored.synced()).length).toBeGreaterThanOrEqual(30);
}, 120_000);

test("[DUR1] Postgres: the drill of the operators' page brings back what was acknowledged before the backup", async () => {
	const [server, backups, port] = [await startPostgres(), temporaryFolder(), await freePort()];
	await server.query("CREATE DATABASE indelible");
	const databaseUrl = server.url("indelible");
	const runbook = openRunbook({
		places: { "/backup": backups },
		environment: { INDELIBLE_DATABASE_URL: databaseUrl, POSTGRES_ADMIN_URL: server.url() },
		programs: [findPostgres()],
		nodeFlags: [],
		port,
	});
	await drill({
		runbook,
		url: `ws://127.0.0.1:${port}`,
		kind: "postgres",
		destroy: async () => void (await server.query("DROP DATABASE indelible WITH (FORCE)")),
	});
}, 120_000);
