/**
 * How rows should be laid out for a log: bytes that SQLite writes per keystroke, each keystroke a commit of its own, in
 * a database that 200 other documents were written to as well. `node bench/store-layout.ts --help`
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Command } from "commander";
import { writeEntry } from "../extensions/durability/sqlite/log-chunk.ts";
import { readUsage, usageBetween } from "./process-usage.ts";
import { bytes, microseconds, table } from "./show.ts";

const others = 200;
const entriesOfOthers = 20;
/** Looking at what was written costs as much as writing it. */
const keystrokesPerReading = 50;
/** One character, as the store frames it. */
const payload = new Uint8Array(27).fill(0xa5);

type Layout =
	| { readonly kind: "row per entry" }
	/** A row has room for many entries and is written in place. */
	| { readonly kind: "chunk"; readonly chunkBytes: number };

interface Trial {
	readonly layout: Layout;
	readonly pageBytes: number;
	/** The write-ahead log is moved into the database when it has this size. */
	readonly checkpointBytes: number;
}

const MiB = 1024 * 1024;
const chunk: Layout = { kind: "chunk", chunkBytes: 4096 };
const trials: readonly Trial[] = [
	...[512, 1024, 4096].flatMap((pageBytes) =>
		([{ kind: "row per entry" }, chunk] as const).map((layout) => ({
			layout,
			pageBytes,
			checkpointBytes: MiB,
		})),
	),
	...[1024, 2048, 8192].map((chunkBytes) => ({
		layout: { kind: "chunk", chunkBytes } as const,
		pageBytes: 512,
		checkpointBytes: MiB,
	})),
	...[MiB / 4, 4 * MiB].map((checkpointBytes) => ({ layout: chunk, pageBytes: 512, checkpointBytes })),
];

await new Command("node bench/store-layout.ts")
	.option("--keystrokes <number>", "how many", Number, 5000)
	.option("--data <folder>", "where the databases are made", tmpdir())
	.action(async ({ keystrokes, data }: { keystrokes: number; data: string }) => {
		const rows: string[][] = [];
		for (const trial of trials) rows.push(await measure(trial, keystrokes, data));
		const titles = ["layout", "page", "checkpoint at", "written / keystroke", "CPU / keystroke"];
		console.info(table(titles, rows));
	})
	.parseAsync();

async function measure(trial: Trial, keystrokes: number, data: string): Promise<string[]> {
	const { layout, pageBytes, checkpointBytes } = trial;
	const folder = await mkdtemp(join(data, "indelible-layout-"));
	const database = new DatabaseSync(join(folder, "log.sqlite"));
	try {
		database.exec(`PRAGMA page_size = ${pageBytes}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`);
		database.exec("PRAGMA wal_autocheckpoint = 0");
		const append = layout.kind === "chunk" ? chunkLog(database, layout.chunkBytes) : rowLog(database);
		database.exec("BEGIN");
		for (let n = 0; n < others * entriesOfOthers; n += 1) append(1 + (n % others));
		database.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");

		const before = readUsage(process.pid);
		let checkpointedBytes = before.passedBytes;
		for (let n = 0; n < keystrokes; n += 1) {
			append(0);
			if (n % keystrokesPerReading > 0) continue;
			const { passedBytes } = readUsage(process.pid);
			if (passedBytes - checkpointedBytes < checkpointBytes) continue;
			database.exec("PRAGMA wal_checkpoint(PASSIVE)");
			checkpointedBytes = readUsage(process.pid).passedBytes;
		}
		database.exec("PRAGMA wal_checkpoint(PASSIVE)");
		const used = usageBetween(before, readUsage(process.pid));
		return [
			layout.kind === "chunk" ? `chunk of ${layout.chunkBytes} B` : layout.kind,
			bytes(pageBytes),
			`${checkpointBytes / MiB} MiB`,
			bytes(used.passedBytes / keystrokes),
			microseconds((used.userMs + used.systemMs) / keystrokes),
		];
	} finally {
		database.close();
		await rm(folder, { recursive: true });
	}
}

type Append = (document: number) => void;

function rowLog(database: DatabaseSync): Append {
	database.exec(
		"CREATE TABLE log (document INTEGER, position INTEGER, data BLOB NOT NULL, PRIMARY KEY (document, position)) WITHOUT ROWID",
	);
	const insert = database.prepare("INSERT INTO log VALUES (?, ?, ?)");
	const positions = new Map<number, number>();
	return (document) => {
		const position = (positions.get(document) ?? 0) + 1;
		positions.set(document, position);
		insert.run(document, position, payload);
	};
}

function chunkLog(database: DatabaseSync, chunkBytes: number): Append {
	database.exec(`
		CREATE TABLE log (id INTEGER PRIMARY KEY, document INTEGER NOT NULL, position INTEGER NOT NULL, data BLOB NOT NULL);
		CREATE UNIQUE INDEX log_by_position ON log (document, position);
	`);
	const insert = database.prepare("INSERT INTO log (document, position, data) VALUES (?, ?, ?)");
	const update = database.prepare("UPDATE log SET data = ? WHERE id = ?");
	const ends = new Map<number, { id: number; bytes: Uint8Array; usedBytes: number; position: number }>();
	return (document) => {
		const end = ends.get(document);
		const position = (end?.position ?? 0) + 1;
		const bytes = end?.bytes ?? new Uint8Array(chunkBytes);
		// The longest that an entry can be: its length in two bytes, a checksum, the payload.
		if (end !== undefined && end.usedBytes + 6 + payload.byteLength <= chunkBytes) {
			end.usedBytes = writeEntry(bytes, end.usedBytes, 0, { position, payload });
			end.position = position;
			update.run(bytes, end.id);
			return;
		}
		bytes.fill(0);
		const usedBytes = writeEntry(bytes, 0, 0, { position, payload });
		const { lastInsertRowid } = insert.run(document, position, bytes);
		ends.set(document, { id: Number(lastInsertRowid), bytes, usedBytes, position });
	};
}
