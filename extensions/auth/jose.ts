import { createRequire } from "node:module";

const load = createRequire(import.meta.url);

/** `jose`, 46 files, which only those load who are given JSON Web Tokens. Node.js keeps what it has loaded. */
export function jose(): typeof import("jose") {
	return load("jose");
}
