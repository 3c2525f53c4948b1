import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, unwatchFile, watchFile } from "node:fs";
import type { RequestListener, Server } from "node:http";
import type { DurabilityLogger } from "../extensions/durability/index.ts";
import { whyUnreadable } from "./advice.ts";
import { httpPatience, tlsHandshakeTimeout } from "./http-patience.ts";
import type { SettingName } from "./settings.ts";
import { SettingsError, theSettings } from "./settings-error.ts";
import { asksForWebSocket } from "./transport/handshake.ts";

/** Paths of PEM files. */
export interface TlsFiles {
	readonly certificate: string;
	readonly key: string;
}

/** @throws {SettingsError} when only one of the two is given, or they can't be served. */
export function takeTlsFiles(certificate: string | undefined, key: string | undefined): TlsFiles | undefined {
	if (certificate !== undefined && key !== undefined) {
		const files = { certificate, key };
		readFiles(files);
		return files;
	}
	if (certificate !== undefined)
		throw problem("tlsCert", "needs tlsKey as well: they belong together", "tlsKey");
	if (key !== undefined) throw problem("tlsKey", "needs tlsCert as well: they belong together", "tlsCert");
	return undefined;
}

/** How often the files are looked at, in ms: by their times and sizes, as links that are put in their place tell nothing else. */
const lookMs = 2_000;

/**
 * An HTTPS server that takes up a new certificate when its files change. Connections that are open stay as they are. Files that don't fit
 * together, as in the middle of a renewal, change nothing.
 * @throws {SettingsError} when they don't at the start.
 */
export function createTlsServer(
	files: TlsFiles,
	listener: RequestListener,
	logger: Pick<DurabilityLogger, "info" | "error">,
): Server {
	const options = {
		...readFiles(files),
		minVersion: "TLSv1.2",
		handshakeTimeout: tlsHandshakeTimeout,
	} as const;
	// Most nodes have a proxy for it, and don't load it.
	const { createServer } = process.getBuiltinModule("node:https");
	const server = createServer(
		{ ...httpPatience, ...options, shouldUpgradeCallback: asksForWebSocket },
		listener,
	);
	const tellExpiry = ({ cert }: { readonly cert: string }) => {
		const { validTo } = new X509Certificate(cert);
		if (Date.parse(validTo) < Date.now())
			logger.error({ validTo }, "the certificate has expired: browsers refuse it, and nobody gets in");
	};
	tellExpiry(options);
	const reload = () => {
		try {
			const taken = readFiles(files);
			server.setSecureContext({ ...taken, minVersion: "TLSv1.2" });
			tellExpiry(taken);
			logger.info({}, "the new certificate is used from now on");
		} catch (error) {
			logger.error(
				{ reason: (error as Error).message },
				"the new certificate can't be used; the old one stays",
			);
		}
	};
	for (const path of [files.certificate, files.key])
		watchFile(path, { interval: lookMs, persistent: false }, reload);
	server.once("close", () => {
		for (const path of [files.certificate, files.key]) unwatchFile(path, reload);
	});
	return server as unknown as Server;
}

function readFiles({ certificate, key }: TlsFiles): { cert: string; key: string } {
	const contents = { cert: readText("tlsCert", certificate), key: readText("tlsKey", key) };
	let fits: boolean;
	try {
		fits = new X509Certificate(contents.cert).checkPrivateKey(createPrivateKey(contents.key));
	} catch {
		const files = `${JSON.stringify(certificate)}, and tlsKey ${JSON.stringify(key)}`;
		throw problem("tlsCert", `names ${files}: one holds something else than it should, in PEM`, "tlsKey");
	}
	if (!fits)
		throw problem("tlsKey", `names ${JSON.stringify(key)}, which is not the key of tlsCert`, "tlsCert");
	return contents;
}

function readText(name: SettingName, path: string): string {
	try {
		return readFileSync(path, "utf8");
	} catch (error) {
		throw problem(name, `names ${JSON.stringify(path)}, which can't be read: ${whyUnreadable(error)}`);
	}
}

function problem(name: SettingName, text: string, ...others: SettingName[]): SettingsError {
	return new SettingsError([{ where: theSettings, name, problem: text, others }]);
}
