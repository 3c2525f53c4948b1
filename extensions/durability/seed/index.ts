export {
	type ProsemirrorSchema,
	type SchemaSource,
	type Seed,
	type SeedContent,
	type SeedField,
	seedHtml,
	seedText,
	seedTiptapJson,
	type TiptapExtensions,
} from "./seed-content.ts";
export { SeedContentError } from "./seed-content-error.ts";
export { seedUpdate } from "./seed-update.ts";
