export {
	type Seed,
	type SeedContent,
	SeedContentError,
	type SeedField,
	seedHtml,
	seedText,
	seedTiptapJson,
	seedUpdate,
} from "../extensions/durability/seed/index.ts";
export type { Readiness } from "./node.ts";
export { type CloseResult, createNode, IndelibleNode, type NodeOptions } from "./node.ts";
