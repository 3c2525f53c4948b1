import { readFileSync } from "node:fs";
import type { Extension } from "@hocuspocus/server";
import type { AuthOptions } from "../extensions/auth/index.ts";
import { sameHost } from "../extensions/auth/origin.ts";
import { whyUnreadable } from "./advice.ts";
import { listOf } from "./auth-settings.ts";
import type { Hooks } from "./hooks.ts";
import type { NodeSettings, SettingName } from "./settings.ts";
import { type SettingProblem, SettingsError, theSettings } from "./settings-error.ts";

/** What the settings say of who may do what. @throws {SettingsError} when a file can't be read. */
export function authOptions(settings: NodeSettings): AuthOptions {
	const { authJwtSecret, authJwksUrl, authWebhookUrl, authTicketSecret, authAnonymousRead } = settings;
	const { authAnonymousWrite, allowedOrigins } = settings;
	const publicKeys =
		settings.authJwtPublicKey === undefined ? undefined : readKeys(settings.authJwtPublicKey);
	const hasJwt = [authJwtSecret, publicKeys, authJwksUrl].some((key) => key !== undefined);
	const isForEverybody = authAnonymousRead !== undefined || authAnonymousWrite !== undefined;
	return {
		jwt: !hasJwt
			? undefined
			: {
					secret: authJwtSecret,
					publicKeys,
					jwksUrl: authJwksUrl,
					issuer: settings.authIssuer,
					audience: settings.authAudience,
					clockToleranceMs: settings.authClockToleranceMs,
					defaultAccess: { level: settings.authDefaultAccess },
				},
		webhook:
			authWebhookUrl === undefined
				? undefined
				: {
						url: authWebhookUrl,
						secret: settings.authWebhookSecret,
						timeoutMs: settings.authWebhookTimeoutMs,
						cacheMs: settings.authWebhookCacheMs,
					},
		tickets: authTicketSecret === undefined ? undefined : { secret: authTicketSecret },
		anonymous: !isForEverybody
			? undefined
			: { read: listOf(authAnonymousRead ?? ""), write: listOf(authAnonymousWrite ?? "") },
		expiryAction: settings.authExpiry,
		stampPresence: settings.stampPresence,
		clientVersionMin: settings.clientVersionMin,
		allowedOrigins: allowedOrigins === undefined ? undefined : listOf(allowedOrigins),
	};
}

function readKeys(path: string): string {
	try {
		return readFileSync(path, "utf8");
	} catch (error) {
		const problem = `names ${JSON.stringify(path)}, which can't be read: ${whyUnreadable(error)}`;
		throw new SettingsError([{ where: theSettings, name: "authJwtPublicKey", problem }]);
	}
}

/** What a key or a secret that can't be used says of itself, as a problem with the settings. */
export function asSettingsError(error: unknown): Error {
	if (!(error instanceof TypeError)) return error as Error;
	const problem = `can't be used: ${error.message}`;
	return new SettingsError([{ where: theSettings, name: "authJwtPublicKey", problem }]);
}

/** Whether anybody says who may do what: the settings, a hook, or another extension. */
export function hasAuth(settings: NodeSettings, hooks: Hooks, extensions: readonly Extension[]): boolean {
	const { authJwtSecret, authJwtPublicKey, authJwksUrl, authWebhookUrl, authTicketSecret } = settings;
	return (
		[authJwtSecret, authJwtPublicKey, authJwksUrl, authWebhookUrl, authTicketSecret].some(
			(setting) => setting !== undefined,
		) || [hooks, ...extensions].some(({ onAuthenticate }) => typeof onAuthenticate === "function")
	);
}

/**
 * What pages may connect to a node with a server of its own, when nobody has said it: while everybody may do everything, those of foreign
 * sites must not use their visitors' browsers to do it. A node in somebody else's server leaves that to the server.
 */
export function originsByDefault(
	settings: NodeSettings,
	hooks: Hooks,
	extensions: readonly Extension[],
): string | undefined {
	const { allowedOrigins, authAnonymousRead, authAnonymousWrite } = settings;
	const isSaid = [allowedOrigins, authAnonymousRead, authAnonymousWrite].some((said) => said !== undefined);
	return isSaid || hasAuth(settings, hooks, extensions) ? allowedOrigins : sameHost;
}

/**
 * Why a node does not start with these settings for access, if so: somebody who says how tokens are checked, and not with which keys,
 * believes that they are.
 * @param isOpen Whether nothing says who may do what.
 */
export function refusalOf(settings: NodeSettings, isOpen: boolean): SettingsError | undefined {
	const { authJwtSecret, authJwtPublicKey, authJwksUrl, authWebhookUrl, authWebhookSecret } = settings;
	const hasKeys = [authJwtSecret, authJwtPublicKey, authJwksUrl].some((key) => key !== undefined);
	const problems: SettingProblem[] = hasKeys ? [] : tokenSettingsIn(settings).map(withoutKeys);
	if (authWebhookSecret !== undefined && authWebhookUrl === undefined)
		problems.push(
			problemWith("authWebhookSecret", "says nothing without authWebhookUrl", ["authWebhookUrl"]),
		);
	if (settings.requireAuth && isOpen) problems.push(openNode());
	return problems.length === 0 ? undefined : new SettingsError(problems);
}

/** Those that were given of the settings that are only about JSON Web Tokens. */
function tokenSettingsIn({ authIssuer, authAudience, authDefaultAccess }: NodeSettings): SettingName[] {
	const found: SettingName[] = [];
	if (authIssuer !== undefined) found.push("authIssuer");
	if (authAudience !== undefined) found.push("authAudience");
	if (authDefaultAccess !== "write") found.push("authDefaultAccess");
	return found;
}

const keys: readonly SettingName[] = ["authJwtSecret", "authJwtPublicKey", "authJwksUrl"];

function withoutKeys(name: SettingName): SettingProblem {
	return problemWith(
		name,
		`is about JSON Web Tokens, which nothing checks: give ${keys.join(", or ")}`,
		keys,
	);
}

function openNode(): SettingProblem {
	const others: readonly SettingName[] = [...keys, "authWebhookUrl", "authTicketSecret"];
	const ways = `give ${others.join(", ")}, or an onAuthenticate hook`;
	return problemWith("requireAuth", `is set, but nothing says who may do what: ${ways}`, others);
}

function problemWith(name: SettingName, problem: string, others: readonly SettingName[]): SettingProblem {
	return { where: theSettings, name, problem, others };
}
