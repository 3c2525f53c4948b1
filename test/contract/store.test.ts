import { join } from "node:path";
import { SqliteStore } from "../../extensions/durability/sqlite/sqlite-store.ts";
import { MemoryDisk, MemoryStore } from "../support/memory-store.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { storeContract } from "./store-contract.ts";

storeContract("memory", () => {
	const disk = new MemoryDisk();
	return { store: () => new MemoryStore(disk) };
});

storeContract("SQLite", () => {
	const path = join(temporaryFolder(), "indelible.sqlite");
	return { store: () => new SqliteStore({ path }) };
});
