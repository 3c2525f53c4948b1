/** Builds all that the package ships: the server and the extensions as JavaScript with types, the demo editor and the admin page. */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
// npm reads the standard output of `npm pack --json`; what the tools say belongs elsewhere.
const run = (command: string, ...args: string[]) =>
	execFileSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] });

for (const part of ["server", "extensions"]) rmSync(`${root}/dist/${part}`, { recursive: true, force: true });
run("tsc", "-p", "tsconfig.build.json");
run(process.execPath, "scripts/build-pages.ts", "--if-stale");
