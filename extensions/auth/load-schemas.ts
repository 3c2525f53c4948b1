type Schemas = typeof import("./schemas.ts");

let loaded: Promise<Schemas> | undefined;

/** What checks tokens, tickets and answers: 95 files of `zod`'s, which a server need not load that is never shown any. */
export function loadSchemas(): Promise<Schemas> {
	loaded ??= import("./schemas.ts");
	return loaded;
}
