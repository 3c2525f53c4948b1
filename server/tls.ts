import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, unwatchFile, watchFile } from "node:fs";
import type { RequestListener, Server } from "node:http";
import { createServer } from "node:https";
import type { DurabilityLogger } from "../extensions/durability/index.ts";
import { whyUnreadable } from "./advice.ts";
import { httpPatience, tlsHandshakeTimeout } from "./http-patience.ts";
import { asksForWebSocket } from "./transport/handshake.ts";
import { UserError } from "./user-error.ts";

/** Paths of PEM files. */
export interface TlsFiles {
	readonly certificate: string;
	readonly key: string;
}

/** @throws {UserError} when only one of the two is given. */
export function tlsFiles(certificate: string | undefined, key: string | undefined): TlsFiles | undefined {
	if (certificate !== undefined && key !== undefined) return { certificate, key };
	if (certificate === undefined && key === undefined) return undefined;
	throw new UserError("--tls-cert and --tls-key belong together; give both or neither");
}

/** How often the files are looked at, in ms: by their times and sizes, as links that are put in their place tell nothing else. */
const lookMs = 2_000;

/**
 * An HTTPS server that takes up a new certificate when its files change. Connections that are open stay as they are. Files that don't fit
 * together, as in the middle of a renewal, change nothing.
 * @throws {UserError} when they don't at the start.
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

/** @throws {UserError} when they can't be served. */
export function checkTlsFiles(files: TlsFiles): void {
	readFiles(files);
}

function readFiles({ certificate, key }: TlsFiles): { cert: string; key: string } {
	const contents = { cert: readText("--tls-cert", certificate), key: readText("--tls-key", key) };
	let fits: boolean;
	try {
		fits = new X509Certificate(contents.cert).checkPrivateKey(createPrivateKey(contents.key));
	} catch {
		throw new UserError(
			`--tls-cert ${certificate} or --tls-key ${key} holds something else than it should, in PEM`,
		);
	}
	if (!fits) throw new UserError(`--tls-key ${key} is not the key of --tls-cert ${certificate}`);
	return contents;
}

function readText(flag: string, path: string): string {
	try {
		return readFileSync(path, "utf8");
	} catch (error) {
		throw new UserError(`${flag} ${path} can't be read: ${whyUnreadable(error)}`);
	}
}
