import { z } from "zod";
import { type Access, readAccess } from "./access.ts";

/** What others write who say what somebody may do. Loaded with `zod`, by those servers that are shown it. */

const rootsMax = 100;
const rootNameCharactersMax = 1_024;

/** See `Permission`. */
const permissionSchema = z
	.union([
		z.enum(["none", "read", "write"]),
		z.strictObject({ write: z.array(z.string().max(rootNameCharactersMax)).max(rootsMax) }),
	])
	.transform(
		(permission): Access =>
			typeof permission === "string"
				? { level: permission }
				: permission.write.length === 0
					? readAccess
					: { level: "roots", roots: [...new Set(permission.write)] },
	);

const identifier = z.string().min(1).max(1_024);
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
	sub: identifier.optional(),
	/** How others see them. */
	name: identifier.optional(),
	/** Seconds since 1970, as RFC 7519 has it. */
	exp: z.number().optional(),
	iat: z.number().optional(),
	allowedDocumentNames: patterns.optional(),
	readonlyDocumentNames: patterns.optional(),
	permissions: permissionsSchema.optional(),
});

/** What a ticket says. */
export const ticketSchema = z.strictObject({
	/** Its number, by which a used one is known. */
	n: z.string().min(1).max(64),
	/** The document. */
	d: z.string().min(1),
	p: permissionSchema,
	/** To be used by, in seconds since 1970. */
	e: z.number(),
	/** Made out at, in seconds since 1970. */
	i: z.number(),
	/** Access ends at, in seconds since 1970. */
	u: z.number().optional(),
	id: identifier.optional(),
	name: identifier.optional(),
	/** May be used again. */
	r: z.literal(true).optional(),
});

/** What a webhook answers. */
export const answerSchema = z.object({
	access: permissionSchema,
	user: z.object({ id: identifier.optional(), name: identifier.optional() }).optional(),
	/** Seconds since 1970. */
	expiresAt: z.number().optional(),
});
