import { createRequire } from "node:module";

const load = createRequire(import.meta.url);

/** `pg`, which a node that stores in SQLite need not load: that is a twentieth of its start. Node.js keeps what it has loaded. */
export function driver(): typeof import("pg") {
	return load("pg");
}
