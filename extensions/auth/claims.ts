import type { z } from "zod";
import { type Access, lesser, noAccess, readAccess, writeAccess } from "./access.ts";
import { matches, specificity } from "./pattern.ts";
import type { claimsSchema } from "./schemas.ts";

/** The claims of a JSON Web Token that are read here. */
export type Claims = z.output<typeof claimsSchema>;

/**
 * What claims allow for a document. Of `permissions` the most specific pattern that matches decides; of equally specific ones
 * the one that allows least. If none matches, or there is no such claim, the names decide, as in Tiptap's conventions:
 * `readonlyDocumentNames` (read) before `allowedDocumentNames` (write). A token without `permissions` and
 * without `allowedDocumentNames` allows `otherwise` for what it does not name. Pure.
 */
export function accessByClaims(
	{ permissions, allowedDocumentNames, readonlyDocumentNames }: Claims,
	documentName: string,
	otherwise: Access = writeAccess,
): Access {
	const permitted = mostSpecific(permissions ?? [], documentName);
	if (permitted !== undefined) return permitted;
	const isNamed = (patterns: readonly string[] | undefined) =>
		patterns?.some((pattern) => matches(pattern, documentName)) === true;
	if (isNamed(readonlyDocumentNames)) return readAccess;
	if (isNamed(allowedDocumentNames)) return writeAccess;
	return permissions === undefined && allowedDocumentNames === undefined ? otherwise : noAccess;
}

function mostSpecific(
	permissions: readonly (readonly [string, Access])[],
	documentName: string,
): Access | undefined {
	let best: Access | undefined;
	let bestSpecificity = -1;
	for (const [pattern, access] of permissions) {
		if (!matches(pattern, documentName)) continue;
		const specific = specificity(pattern);
		if (best !== undefined && specific === bestSpecificity) best = lesser(best, access);
		else if (specific > bestSpecificity) [best, bestSpecificity] = [access, specific];
	}
	return best;
}
