import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { PostgresStore } from "../../extensions/durability/postgres/postgres-store.ts";
import { SqliteStore } from "../../extensions/durability/sqlite/sqlite-store.ts";
import { MemoryDisk, MemoryStore } from "../support/memory-store.ts";
import { type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { catalogueContract } from "./catalogue-contract.ts";
import { followContract } from "./follow-contract.ts";
import { storeContract } from "./store-contract.ts";

storeContract("memory", () => {
	const disk = new MemoryDisk();
	return { store: () => new MemoryStore(disk) };
});
followContract("memory", () => {
	const disk = new MemoryDisk();
	return { store: () => new MemoryStore(disk, { isShared: true }) };
});

catalogueContract("memory", () => {
	const disk = new MemoryDisk();
	return { store: () => new MemoryStore(disk) };
});

const newSqlitePlace = () => {
	const path = join(temporaryFolder(), "indelible.sqlite");
	return { store: () => new SqliteStore({ path }) };
};
storeContract("SQLite", newSqlitePlace);
catalogueContract("SQLite", newSqlitePlace);

let server: PostgresServer;
let endServer = async () => {};
beforeAll(async () => {
	server = await startPostgres((end) => {
		endServer = end;
	});
});
afterAll(() => endServer());
let schemas = 0;

const newPostgresPlace = () => {
	schemas += 1;
	const schema = `contract_${schemas}`;
	return { store: () => new PostgresStore({ url: server.url(), schema }) };
};
storeContract("Postgres", newPostgresPlace);
followContract("Postgres", newPostgresPlace);
catalogueContract("Postgres", newPostgresPlace);
