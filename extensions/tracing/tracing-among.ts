import type { Extension } from "@hocuspocus/server";
import type { Tracing } from "./tracing.ts";

/** @returns What traces edits on a server that has these extensions, if anything does. */
export function tracingAmong(extensions: readonly Extension[]): Tracing | undefined {
	return extensions.find(
		(extension): extension is Tracing => extension.extensionName === "Tracing" && "within" in extension,
	);
}
