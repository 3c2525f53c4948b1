/** As extensions/auth and hooks name users: `{ user: { id } }` in their context. */
export function userIdOf(context: unknown): string | undefined {
	const { user } = Object(context) as { readonly user?: unknown };
	const { id } = Object(user) as { readonly id?: unknown };
	return typeof id === "string" || typeof id === "number" ? String(id) : undefined;
}
