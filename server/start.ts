import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { flushCompileCache } from "node:module";
import { relative } from "node:path";
import type { Logger } from "pino";
import { Metrics } from "../extensions/metrics/index.ts";
import type { AdminGateOptions } from "./admin/admin-gate.ts";
import type { Operations, OperationsOptions } from "./admin/operations.ts";
import type { HttpAnswer } from "./answer-http.ts";
import { originsByDefault } from "./auth-options.ts";
import { listOf } from "./auth-settings.ts";
import type { Configuration } from "./configuration.ts";
import { type ConsoleLevel, ConsoleLines } from "./console-lines.ts";
import { createNode, type NodeOptions } from "./create-node.ts";
import { asGiven, type Origins } from "./given-settings.ts";
import { takeHooks } from "./hooks.ts";
import { httpPatience } from "./http-patience.ts";
import { createLogger } from "./logging.ts";
import type { IndelibleNode } from "./node.ts";
import { createServer } from "./node-http.ts";
import { plainAnswers } from "./plain-answers.ts";
import type { Settings } from "./settings.ts";
import { leaveThreadsTheirHeaps } from "./thread-heaps.ts";
import { createTlsServer, type TlsFiles, takeTlsFiles } from "./tls.ts";
import { TrustedProxies } from "./transport/client-address.ts";
import { asksForWebSocket } from "./transport/handshake.ts";
import { UserError } from "./user-error.ts";

/** `indelible start`. Returns once the node listens; it ends with a signal. */
export async function start(
	{ settings, code, file, origins }: Configuration,
	version: string,
): Promise<void> {
	const { port, host, demo, logLevel, logFormat, adminToken, tlsCert, tlsKey, ...nodeSettings } = settings;
	leaveThreadsTheirHeaps();
	const logger = createLogger({ logLevel, logFormat });
	reportStrayErrors(logger);
	takeConsole(logger);
	const metrics = new Metrics();
	const extensions = [...(code.extensions ?? []), metrics];
	const allowedOrigins = originsByDefault(settings, takeHooks(code).hooks, extensions);
	const tls = await inWordsOf(origins, () => takeTlsFiles(tlsCert, tlsKey));
	const options: NodeOptions = { ...code, ...nodeSettings, allowedOrigins, extensions, logger };
	const node = await inWordsOf(origins, () => createNode(options));
	if (adminToken !== undefined) node.answerDoctor(adminToken);
	const trustedProxies = new TrustedProxies(listOf(settings.trustedProxies ?? ""));
	const administration =
		adminToken === undefined
			? undefined
			: {
					access: { token: adminToken, trustedProxies },
					operations: await makeOperations({ node, version, logger }),
				};
	const httpServer = serve({ node, metrics, demo, administration, tls, logger });
	const address = await listen(node, httpServer, { port, host });
	endOnSignals(node, httpServer, logger);
	announce({ logger, version, node, settings: { ...settings, port: address.port }, file });
	if (node.isOpen && !isLoopback(host)) logger.warn({ host }, openToAll);
	// If any is kept: whatever ends this process, the next one starts sooner.
	flushCompileCache();
}

/** @throws {SettingsError} that names settings as they were given. */
async function inWordsOf<T>(origins: Origins, work: () => T | Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		throw asGiven(error, origins);
	}
}

const openToAll =
	"EVERYBODY who reaches this address may read and write EVERY document: nothing says who may do what. See docs/security.md, or start with --require-auth to be refused";

function isLoopback(host: string): boolean {
	return host === "localhost" || host === "::1" || /^127\./.test(host);
}

/** A node without an admin token need not load what they take. */
async function makeOperations(options: OperationsOptions): Promise<Operations> {
	const { Operations } = await import("./admin/operations.ts");
	return new Operations(options);
}

interface ServeOptions {
	readonly node: IndelibleNode;
	readonly metrics: Metrics;
	readonly demo: boolean;
	readonly administration: { readonly access: AdminGateOptions; readonly operations: Operations } | undefined;
	readonly tls: TlsFiles | undefined;
	readonly logger: Logger;
}

function serve({ node, metrics, demo, administration, tls, logger }: ServeOptions): Server {
	const answerPlainly = plainAnswers({ readiness: () => node.readiness(), metrics });
	let answer: Promise<HttpAnswer> | undefined;
	const makeAnswer = async () => {
		const { answerHttp } = await import("./answer-http.ts");
		return answerHttp({ node, demo, administration, overrideGlobalObjects: true });
	};
	const listener = async (request: IncomingMessage, response: ServerResponse) => {
		if (await node.handleRequest(request, response)) return;
		if (await answerPlainly(request, response)) return;
		answer ??= makeAnswer();
		await (await answer)(request, response);
	};
	if (tls !== undefined) return createTlsServer(tls, listener, logger);
	return createServer({ ...httpPatience, shouldUpgradeCallback: asksForWebSocket }, listener);
}

async function listen(node: IndelibleNode, httpServer: Server, at: { port: number; host: string }) {
	try {
		return await node.listen(httpServer, at);
	} catch (error) {
		await node.close();
		throw explainListenError(error as NodeJS.ErrnoException, at);
	}
}

function explainListenError(
	error: NodeJS.ErrnoException,
	{ port, host }: { port: number; host: string },
): Error {
	switch (error.code) {
		case "EADDRINUSE":
			return new UserError(
				`port ${port} on ${host} is in use; stop what listens there, or choose another with --port or INDELIBLE_PORT`,
			);
		case "EACCES":
			return new UserError(`no permission to listen on port ${port}; choose one from 1024 up with --port`);
		case "EADDRNOTAVAIL":
		case "ENOTFOUND":
			return new UserError(`${host} is not an address of this machine; see --host`);
		default:
			return error;
	}
}

interface Announcement {
	readonly logger: Logger;
	readonly version: string;
	readonly node: IndelibleNode;
	readonly settings: Settings;
	readonly file: string | undefined;
}

/** Says where it listens and where it stores. */
function announce({ logger, version, node, settings, file }: Announcement): void {
	const { port, host, logFormat } = settings;
	const authority = `${urlHost(host)}:${port}`;
	const s = settings.tlsCert === undefined ? "" : "s";
	const facts = { url: `http${s}://${authority}`, webSocket: `ws${s}://${authority}`, store: node.location };
	if (logFormat === "json" || (logFormat === "auto" && process.stdout.isTTY !== true)) {
		logger.info({ version, ...facts, ...(file === undefined ? {} : { config: file }) }, "listening");
		return;
	}
	const lines = [
		...(settings.demo ? [["Editor", facts.url]] : []),
		["WebSocket", facts.webSocket],
		...(settings.adminToken === undefined ? [] : [["Admin", `${facts.url}/admin`]]),
		["Documents", shortest(facts.store)],
		["Process", String(process.pid)],
		...(file === undefined ? [] : [["Settings", shortest(file)]]),
	].map(([name = "", value]) => `  ${name.padEnd(11)}${value}`);
	process.stdout.write(`\n  Indelible ${version}\n\n${lines.join("\n")}\n\n  Ctrl+C stops it.\n\n`);
}

/** A place; a path as people on this working folder would write it. */
function shortest(path: string): string {
	if (path.includes("://")) return path;
	const fromHere = relative(process.cwd(), path);
	return fromHere.startsWith("..") ? path : fromHere;
}

/** As people type it into a browser on this machine. */
function urlHost(host: string): string {
	if (["127.0.0.1", "::1", "0.0.0.0", "::"].includes(host)) return "localhost";
	return host.includes(":") ? `[${host}]` : host;
}

/** Under npm, one Ctrl+C arrives twice: from the terminal, and from npm. A person takes longer, in ms. */
const echoMs = 150;

/** How often a node that npm has started looks whether npm is still there. */
const npmLookMs = 500;

/** The first signal drains; the second ends at once [TRN3]. */
function endOnSignals(node: IndelibleNode, httpServer: Server, logger: Logger): void {
	let firstAtMs: number | undefined;
	const begin = (signal: string) => {
		firstAtMs = performance.now();
		// It handles its own errors.
		void end(node, httpServer, logger, signal);
	};
	endWithParent(() => {
		if (firstAtMs === undefined) begin("the end of npm");
	});
	for (const [signal, number] of [
		["SIGINT", 2],
		["SIGTERM", 15],
	] as const) {
		process.on(signal, () => {
			if (firstAtMs !== undefined) {
				if (performance.now() - firstAtMs > echoMs) process.exit(128 + number);
				return;
			}
			begin(signal);
		});
	}
}

/**
 * npm, and npx, run a command through a shell, which SIGTERM ends and which does not pass it on: the node would hold its port and its
 * data, and nobody would know of it.
 */
function endWithParent(onEnd: () => void): void {
	// What npm itself runs, and not what a script of its own starts and leaves behind.
	if (!process.env.npm_lifecycle_script?.includes("indelible")) return;
	const parent = process.ppid;
	const timer = setInterval(() => {
		if (process.ppid === parent) return;
		clearInterval(timer);
		onEnd();
	}, npmLookMs);
	timer.unref();
}

async function end(node: IndelibleNode, httpServer: Server, logger: Logger, signal: string): Promise<void> {
	logger.info({ signal }, "stopping; a second signal ends at once");
	try {
		const { drained, unwrittenUpdates } = await node.close();
		// Its "close" event would wait for upgrades that a hook has not answered yet.
		httpServer.close();
		httpServer.closeAllConnections();
		if (drained) logger.info({}, "stopped; everything is on disk");
		else logger.error({ unwrittenUpdates }, "stopped at the deadline; unwritten edits were not acknowledged");
		process.exit(drained ? 0 : 1);
	} catch (error) {
		logger.fatal({ err: error }, "stopping failed");
		process.exit(1);
	}
}

/** What Hocuspocus and hooks print becomes lines of the log, for whoever reads them by machine. */
function takeConsole(logger: Logger): void {
	const lines = new ConsoleLines(performance.now());
	const print = (wanted: ConsoleLevel, values: readonly unknown[]) => {
		const line = lines.take(wanted, values, performance.now());
		if (line === undefined) return;
		const { level, text, ...fields } = line;
		logger[level](fields, text);
	};
	console.log = (...values: readonly unknown[]) => print("info", values);
	for (const level of ["debug", "info", "warn", "error"] as const)
		console[level] = (...values: readonly unknown[]) => print(level, values);
}

/** A rejection that nobody handled, in an embedder's hook for instance, costs nobody else anything [TRN5]. */
function reportStrayErrors(logger: Logger): void {
	process.on("unhandledRejection", (error) => {
		logger.error({ err: error }, "a promise was rejected and nobody handled it; the node goes on");
	});
	process.on("uncaughtException", (error) => {
		logger.fatal(
			{ err: error },
			"an error was not caught; the node ends, and what was acknowledged is on disk",
		);
		process.exit(1);
	});
}
