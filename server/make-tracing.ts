import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { DurabilityLogger } from "../extensions/durability/index.ts";
import type { Tracing } from "../extensions/tracing/index.ts";
import { packageFolder } from "./package-folder.ts";
import type { NodeSettings } from "./settings.ts";
import { readHeaders } from "./tracing-settings.ts";
import { traceParentOf } from "./transport/request-name.ts";

/** What traces as the settings say; most nodes trace nothing, and don't load it. */
export async function makeTracing(
	{ otlpUrl, otlpHeaders, traceOneIn }: NodeSettings,
	logger: DurabilityLogger,
): Promise<Tracing | undefined> {
	if (otlpUrl === undefined) return undefined;
	const { version } = JSON.parse(readFileSync(new URL("package.json", packageFolder), "utf8")) as {
		readonly version: string;
	};
	const { Tracing } = await import("../extensions/tracing/index.ts");
	return new Tracing({
		otlpUrl,
		otlpHeaders: otlpHeaders === undefined ? undefined : readHeaders(otlpHeaders),
		oneIn: traceOneIn,
		resource: { "service.version": version, "service.instance.id": `${hostname()}:${process.pid}` },
		parentOf: traceParentOf,
		logger,
	});
}
