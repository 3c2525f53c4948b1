/** Builds all that the package ships: the server and the extensions as JavaScript with types, the demo editor and the admin page. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
// npm reads the standard output of `npm pack --json`; what the tools say belongs elsewhere.
const run = (script: string, ...args: string[]) =>
	execFileSync(process.execPath, [script, ...args], { cwd: root, stdio: ["ignore", 2, 2] });

run("scripts/build-server.ts");
run("scripts/build-pages.ts", "--if-stale");
