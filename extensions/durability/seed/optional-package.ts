import { SeedContentError } from "./seed-content-error.ts";

/**
 * Loads a package that only some seeds need.
 * @throws {SeedContentError} when it is not installed, with what to do.
 */
export async function optionalPackage<Module>(
	name: string,
	neededBy: string,
	load: () => Promise<Module>,
): Promise<Module> {
	try {
		return await load();
	} catch (cause) {
		if (!isMissing(cause)) throw cause;
		throw new SeedContentError(
			`${neededBy} needs a package that is not installed (${(cause as Error).message}). Run: npm install ${name}`,
			{ cause },
		);
	}
}

function isMissing(error: unknown): boolean {
	return error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
}
