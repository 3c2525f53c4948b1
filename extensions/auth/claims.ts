import { z } from "zod";
import { type Access, lesser, noAccess, permissionSchema, readAccess, writeAccess } from "./access.ts";
import { matches, specificity } from "./pattern.ts";

const patternsMax = 1_000;
const patternCharactersMax = 2_048;

const pattern = z.string().max(patternCharactersMax);
const patterns = z.array(pattern).max(patternsMax);

/** A map from patterns to permissions, as a list: a document may be called `__proto__`. */
const permissionsSchema = z
	.custom<Readonly<Record<string, unknown>>>(
		(value) => typeof value === "object" && value !== null && !Array.isArray(value),
		"must be an object of patterns and permissions",
	)
	.transform((value) => Object.entries(value))
	.pipe(z.array(z.tuple([pattern, permissionSchema])).max(patternsMax));

/** The claims of a JSON Web Token that are read here; registered ones are checked with its signature. */
export const claimsSchema = z.object({
	/** Who it is, for as long as the account exists. */
	sub: z.string().min(1).max(1_024).optional(),
	/** How others see them. */
	name: z.string().min(1).max(1_024).optional(),
	/** Seconds since 1970, as RFC 7519 has it. */
	exp: z.number().optional(),
	iat: z.number().optional(),
	allowedDocumentNames: patterns.optional(),
	readonlyDocumentNames: patterns.optional(),
	permissions: permissionsSchema.optional(),
});

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
