/** What somebody may do with one document. Presence and reading come with every level but "none". */
export type Access =
	| { readonly level: "none" }
	| { readonly level: "read" }
	/** Writes into these root types only, for example the map `comments`; reads everything. */
	| { readonly level: "roots"; readonly roots: readonly string[] }
	| { readonly level: "write" };

export const noAccess: Access = { level: "none" };
export const readAccess: Access = { level: "read" };
export const writeAccess: Access = { level: "write" };

/** How tokens, tickets and webhooks write an {@link Access}. */
export type Permission = "none" | "read" | "write" | { readonly write: readonly string[] };

const rank = { none: 0, read: 1, roots: 2, write: 3 } as const satisfies Record<Access["level"], number>;

/** The one that allows less; of two lists of roots, what both hold. */
export function lesser(one: Access, other: Access): Access {
	if (one.level === "roots" && other.level === "roots") {
		const roots = one.roots.filter((root) => other.roots.includes(root));
		return roots.length === 0 ? readAccess : { level: "roots", roots };
	}
	return rank[one.level] <= rank[other.level] ? one : other;
}
