import "../extensions/durability/required-node.ts";

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
export type { RedisBus, RedisBusOptions } from "../extensions/redis/index.ts";
export type {
	ConnectionFacts,
	DocumentFacts,
	DocumentList,
	DocumentQuery,
	DocumentRow,
	MeasuredSize,
	NodeState,
	Outcome,
} from "./admin/facts.ts";
export { defineConfig, type IndelibleConfig } from "./configuration.ts";
export { createNode, type NodeOptions } from "./create-node.ts";
export { type CloseResult, IndelibleNode, type Readiness } from "./node.ts";
export { OperatorRoutes, type OperatorRoutesOptions } from "./operator-routes.ts";
export type { NodeSettings } from "./settings.ts";
export { type SettingProblem, SettingsError } from "./settings-error.ts";
