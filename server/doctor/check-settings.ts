import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { hasAuth, refusalOf } from "../auth-options.ts";
import type { Configuration } from "../configuration.ts";
import { asGiven } from "../given-settings.ts";
import { takeHooks } from "../hooks.ts";
import { takeTlsFiles } from "../tls.ts";
import type { Finding } from "./finding.ts";

const dayMs = 24 * 60 * 60_000;
const daysLeftMin = 14;

/** Whether anything says who may do what. */
export function checkOpenness({ settings, code, origins }: Configuration): Finding {
	const check = "access";
	const { host } = settings;
	const isOpen = !hasAuth(settings, takeHooks(code).hooks, code.extensions ?? []);
	const advice = "Say who may do what: docs/security.md.";
	const refusal = refusalOf(settings, isOpen);
	if (refusal !== undefined)
		return { check, result: "problem", detail: (asGiven(refusal, origins) as Error).message, advice };
	if (!isOpen) return { check, result: "ok", detail: "the settings or a hook say who may do what" };
	if (host === "localhost" || host === "::1" || /^127\./.test(host))
		return {
			check,
			result: "ok",
			detail: `everybody on this machine may do everything, and nobody else reaches ${host}`,
		};
	return { check, result: "warning", detail: `EVERYBODY who reaches ${host} may do everything`, advice };
}

/** Whether the certificate can be served, and for how long. Nothing when there is none. */
export function checkCertificate({ settings, origins }: Configuration): Finding[] {
	const check = "TLS";
	try {
		const files = takeTlsFiles(settings.tlsCert, settings.tlsKey);
		if (files === undefined) return [];
		const { validTo } = new X509Certificate(readFileSync(files.certificate));
		const days = Math.floor((Date.parse(validTo) - Date.now()) / dayMs);
		const advice = "Renew it. A node that runs takes up the new files by itself.";
		if (days < 0) return [{ check, result: "problem", detail: "the certificate has expired", advice }];
		const detail = `a certificate that is good for ${days} more days`;
		return [
			days < daysLeftMin ? { check, result: "warning", detail, advice } : { check, result: "ok", detail },
		];
	} catch (error) {
		const advice = "The node does not start with it.";
		return [{ check, result: "problem", detail: (asGiven(error, origins) as Error).message, advice }];
	}
}
