import { z } from "zod";

/** Where traces go. Off until it is said. */
export const tracingSettings = {
	otlpUrl: z
		.string()
		.regex(/^https?:\/\/./)
		.refine(isReceiver)
		.optional()
		.meta({
			description: "receiver of OpenTelemetry traces (OTLP over HTTP, in JSON); none are made without it",
			allowed:
				"a URL like http://collector:4318, to which /v1/traces is appended; a key goes into otlpHeaders",
			secret: true,
		}),
	otlpHeaders: z
		.string()
		.refine((written) => readHeaders(written) !== undefined)
		.optional()
		.meta({
			description: "headers for it, such as a key",
			allowed: "names and values like api-key=secret,other=value",
			secret: true,
		}),
	traceOneIn: z.int().min(1).max(1_000_000).default(100).meta({
		description: "one in so many edits, and openings of documents, is traced",
		unit: undefined,
	}),
};

/** A user in it would end up where URLs do: in messages. */
function isReceiver(written: string): boolean {
	const url = URL.parse(written);
	return url !== null && url.username === "" && url.password === "";
}

const headerName = /^[!#$%&'*+.^_`|~\w-]+$/;

/** @returns Nothing when they can't be read. */
export function readHeaders(written: string): Readonly<Record<string, string>> | undefined {
	const headers: Record<string, string> = {};
	for (const header of written.split(",")) {
		const at = header.indexOf("=");
		const [name, value] = [header.slice(0, at).trim(), header.slice(at + 1).trim()];
		if (at < 1 || !headerName.test(name) || !/^[\x20-\x7e]+$/.test(value)) return undefined;
		headers[name] = value;
	}
	return headers;
}
