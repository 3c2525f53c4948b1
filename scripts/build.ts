/** Builds all that the package ships: the server and the extensions as JavaScript with types, and the demo editor. */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
// npm reads the standard output of `npm pack --json`; what the tools say belongs elsewhere.
const run = (command: string, ...args: string[]) =>
	execFileSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] });

for (const part of ["server", "extensions"]) rmSync(`${root}/dist/${part}`, { recursive: true, force: true });
run("tsc", "-p", "tsconfig.build.json");
run(process.execPath, "scripts/build-demo.ts", "--if-stale");
