import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

/** A Node.js that is too old to run the command line but may start it, if this machine has one. */
export const oldNode: string | undefined = ["/usr/bin/node", "/usr/local/bin/node"].find((path) => {
	if (!existsSync(path)) return false;
	const major = Number(/^v(\d+)/.exec(execFileSync(path, ["--version"], { encoding: "utf8" }))?.[1]);
	return major >= 20 && major < 24;
});
