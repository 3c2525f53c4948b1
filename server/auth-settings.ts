import { z } from "zod";
import { secretBytesMin } from "../extensions/auth/secret.ts";
import { TrustedProxies } from "./transport/client-address.ts";

const minuteMs = 60_000;

function milliseconds(min: number, max: number, initial: number, description: string) {
	return z.int().min(min).max(max).default(initial).meta({ description, unit: "ms" });
}

function secret(description: string) {
	return z
		.string()
		.refine((value) => Buffer.byteLength(value) >= secretBytesMin)
		.optional()
		.meta({ description, allowed: `a secret of at least ${secretBytesMin} bytes`, secret: true });
}

/** It may hold a credential, so it is not shown. */
function address(description: string) {
	return z
		.string()
		.refine((value) => /^https?:$/.test(URL.parse(value)?.protocol ?? ""))
		.optional()
		.meta({ description, allowed: "a URL like https://host/path", secret: true });
}

function list(description: string, allowed: string) {
	return z
		.string()
		.refine((value) => listOf(value).length > 0)
		.optional()
		.meta({ description, allowed });
}

/** The entries of a setting that is a list, written with commas. */
export function listOf(value: string): string[] {
	return value
		.split(",")
		.map((entry) => entry.trim())
		.filter((entry) => entry !== "");
}

const patterns = "document names with commas between them, * for anything";

/** Who may do what. */
export const authSettings = {
	requireAuth: z
		.boolean()
		.default(false)
		.meta({ description: "refuse to start when nothing says who may do what" }),
	authJwtSecret: secret("secret with which JSON Web Tokens are signed (HS256)"),
	authJwtPublicKey: z.string().min(1).optional().meta({
		description: "file of public keys for JSON Web Tokens (RS256, ES256, EdDSA)",
		allowed: "the path of a PEM file",
	}),
	authJwksUrl: address("where the issuer of JSON Web Tokens publishes its public keys"),
	authIssuer: z.string().min(1).optional().meta({ description: "what `iss` of a JSON Web Token must be" }),
	authAudience: z
		.string()
		.min(1)
		.optional()
		.meta({ description: "what `aud` of a JSON Web Token must be or hold" }),
	authClockToleranceMs: milliseconds(0, 10 * minuteMs, 5_000, "how far the clock of the issuer may differ"),
	authDefaultAccess: z
		.enum(["write", "read", "none"])
		.default("write")
		.meta({ description: "what a JSON Web Token that says nothing of documents allows" }),
	authWebhookUrl: address("whom to ask about clients without a JSON Web Token"),
	authWebhookSecret: secret("bearer token with which this node names itself to the webhook"),
	authWebhookTimeoutMs: milliseconds(100, minuteMs, 5_000, "how long the webhook may take"),
	authWebhookCacheMs: milliseconds(0, 10 * minuteMs, 5_000, "how long the webhook's answers are kept"),
	authTicketSecret: secret("secret with which tickets in the WebSocket's URL are signed"),
	authAnonymousRead: list("documents that everybody may read", patterns),
	authAnonymousWrite: list("documents that everybody may write", patterns),
	authExpiry: z
		.enum(["close", "readonly"])
		.default("close")
		.meta({ description: "what becomes of a connection whose token has expired" }),
	stampPresence: z.boolean().default(true).meta({ description: "make presence name whom the token names" }),
	clientVersionMin: z
		.string()
		.regex(/^\d+(\.\d+){0,2}$/)
		.optional()
		.meta({
			description: "oldest version of @hocuspocus/provider that is let in",
			allowed: "a version like 4.2 or 4.2.1",
		}),
	allowedOrigins: list(
		"origins of the pages that may connect; when it is not given, all, or `same-host` as long as nothing says who may do what",
		"origins like https://app.example with commas between them, * for anything, same-host for pages of the node's own host and of the visitor's machine",
	).superRefine((value, { addIssue }) => {
		const wrong = listOf(value ?? "").find((origin) => !/:\/\/|\*|^same-host$|^null$/.test(origin));
		if (wrong !== undefined)
			addIssue({ code: "custom", message: `${JSON.stringify(wrong)} has no https:// in front` });
	}),
	trustedProxies: z
		.string()
		.superRefine((value, { addIssue }) => {
			try {
				new TrustedProxies(listOf(value));
			} catch (error) {
				addIssue({ code: "custom", message: (error as Error).message });
			}
		})
		.optional()
		.meta({
			description: "proxies that say in X-Forwarded-For whom they speak for",
			allowed: "addresses and networks like 10.0.0.0/8 with commas between them",
		}),
};

const adminTokenLengthMin = 16;

/** For whoever runs a node by its command line. */
export const operatorSettings = {
	adminToken: z
		.string()
		// An HTTP header can't carry others, or carries something else.
		.refine((value) => /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value))
		.refine((value) => value.length >= adminTokenLengthMin)
		.optional()
		.meta({
			description: "bearer token for what operators do over HTTP; without it they can't",
			allowed: `at least ${adminTokenLengthMin} characters of ASCII, without spaces at the ends`,
			secret: true,
		}),
	tlsCert: z.string().min(1).optional().meta({
		description:
			"file of the certificate, with those that sign it, to serve HTTPS; read again when it changes",
		allowed: "the path of a PEM file",
	}),
	tlsKey: z
		.string()
		.min(1)
		.optional()
		.meta({ description: "file of the certificate's private key", allowed: "the path of a PEM file" }),
};
