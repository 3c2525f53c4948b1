import type { Revocation, RevocationRequest } from "./revocations.ts";

const nameCharactersMax = 65_536;

/** @returns `undefined` for what is no {@link RevocationRequest}, or has more in it. */
export function readRevocationRequest(value: unknown): RevocationRequest | undefined {
	const { user, document, action, ...others } = Object(value) as Record<string, unknown>;
	if (Object.keys(others).length > 0 || (user === undefined && document === undefined)) return undefined;
	if (!isNameOrMissing(user) || !isNameOrMissing(document)) return undefined;
	if (action !== "close" && action !== "readonly") return undefined;
	return { user, document, action };
}

/** As {@link readRevocationRequest}, for what goes from node to node. */
export function readRevocation(value: unknown): Revocation | undefined {
	const { atMs, ...rest } = Object(value) as Record<string, unknown>;
	const request = readRevocationRequest(rest);
	if (request === undefined || typeof atMs !== "number" || !Number.isFinite(atMs)) return undefined;
	return { ...request, atMs };
}

function isNameOrMissing(value: unknown): value is string | undefined {
	return (
		value === undefined || (typeof value === "string" && value !== "" && value.length <= nameCharactersMax)
	);
}
