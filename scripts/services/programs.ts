import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Programs that belong together, in one folder. */
export interface Programs {
	/** What people call it. */
	readonly title: string;
	readonly names: readonly string[];
	readonly debianPackage: string;
	/** Where they may be apart from the path; looked up anew after an installation. */
	readonly folders?: () => readonly string[];
}

/**
 * Finds programs on the path or in their own folders, or, as root on Debian, installs them.
 * @returns The folder that has all of them.
 * @throws With the command that would install them.
 */
export function programFolder(programs: Programs): string {
	const found = installedIn(programs);
	if (found !== undefined) return found;
	if (process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) installFromDebian(programs);
	const now = installedIn(programs);
	if (now !== undefined) return now;
	const { title, names, debianPackage } = programs;
	throw new Error(
		`${title} is needed (${names.join(" and ")} on the path): apt-get install ${debianPackage}`,
	);
}

function installedIn({ names, folders }: Programs): string | undefined {
	// Debian keeps servers in /usr/sbin, which is not on everybody's path.
	const candidates = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", ...(folders?.() ?? [])];
	return candidates.find((folder) => names.every((name) => isProgram(join(folder, name))));
}

function isProgram(path: string): boolean {
	try {
		accessSync(path, constants.X_OK);
		return true;
	} catch {
		return false;
	}
}

function installFromDebian({ title, debianPackage }: Programs): void {
	console.info(`Installing ${title} from Debian …`);
	const options = {
		stdio: ["ignore", "ignore", "inherit"] as ["ignore", "ignore", "inherit"],
		env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
	};
	try {
		execFileSync("apt-get", ["update", "-qq"], options);
		execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", debianPackage], options);
	} catch {
		// Whoever asked looks again, and says what to do.
	}
}
