export type { Readiness } from "./node.ts";
export { type CloseResult, createNode, IndelibleNode, type NodeOptions } from "./node.ts";
