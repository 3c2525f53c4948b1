import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import { getRequestListener } from "@hono/node-server";
import type { DurabilityLogger } from "../extensions/durability/index.ts";
import type { Metrics } from "../extensions/metrics/index.ts";
import { Operations } from "./admin/operations.ts";
import { serveAdministration } from "./administration.ts";
import { createHttp } from "./http.ts";
import { createLogger } from "./logging.ts";
import type { IndelibleNode } from "./node.ts";
import { packageFolder } from "./package-folder.ts";
import { problemWith } from "./settings.ts";
import { SettingsError } from "./settings-error.ts";
import { storedDocumentsOf } from "./stored-documents.ts";

export interface OperatorRoutesOptions {
	/**
	 * Who shows it may see and do everything: `/admin` and the API below `/api/admin`, `/api/auth` and `/api/documents`. 16 characters of ASCII at least.
	 * Without it there is none of them.
	 */
	readonly adminToken?: string | undefined;
	/** The extension that the node was given too, for `/metrics`: everybody who gets there may read it. Without it there is none. */
	readonly metrics?: Pick<Metrics, "contentType" | "text"> | undefined;
	/** Is told what operators do. Standard output by default. */
	readonly logger?: DurabilityLogger | undefined;
}

/**
 * What `indelible start` serves to operators, for an HTTP server of your own: `/healthz`, `/readyz`, and, where options say so,
 * `/metrics`, `/admin` and its API. Make one for a node.
 */
export class OperatorRoutes {
	readonly #answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
	readonly #operations: Operations | undefined;
	readonly #isOurs: RegExp;

	/** @throws {SettingsError} when the admin token can't be one. */
	constructor(node: IndelibleNode, { adminToken, metrics, logger }: OperatorRoutesOptions = {}) {
		const hasAdmin = adminToken !== undefined;
		const app = createHttp({
			readiness: () => node.readiness(),
			metrics,
			adminFolder: hasAdmin ? fileURLToPath(new URL("dist/admin", packageFolder)) : undefined,
		});
		if (hasAdmin) {
			const problem = problemWith("adminToken", adminToken);
			const where = "the options of OperatorRoutes";
			if (problem !== undefined) throw new SettingsError([{ where, name: "adminToken", problem }]);
			this.#operations = new Operations({
				node,
				version: ownVersion(),
				logger: logger ?? createLogger(toOutput),
			});
			const access = { token: adminToken, trustedProxies: node.trustedProxies };
			const revoke = node.revoke.bind(node);
			const documents = storedDocumentsOf(node);
			serveAdministration(app, access, { revoke, operations: this.#operations, documents });
			node.answerDoctor(adminToken);
		}
		// The rest of the process keeps its own `Request` and `Response`.
		this.#answer = getRequestListener(app.fetch, { overrideGlobalObjects: false });
		const paths = ["healthz$", "readyz$"];
		if (metrics !== undefined) paths.push("metrics$");
		if (hasAdmin) paths.push("admin(/|$)", "api/(admin|auth)/", "api/documents(/|$)");
		this.#isOurs = new RegExp(`^/(${paths.join("|")})`);
	}

	/**
	 * Answers a request that is for one of these routes, whose paths are at the root of your server. Call it before anything reads the
	 * request's body. Never rejects.
	 * @returns Whether it was; otherwise nothing was done.
	 */
	async handle(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
		if (!this.#isOurs.test(request.url?.split("?", 1)[0] ?? "")) return false;
		await this.#answer(request, response);
		return true;
	}

	/** Ends what is noted each second for the admin page. */
	close(): void {
		this.#operations?.close();
	}
}

const toOutput = { logLevel: "info", logFormat: "auto" } as const;

function ownVersion(): string {
	const text = readFileSync(new URL("package.json", packageFolder), "utf8");
	return (JSON.parse(text) as { version: string }).version;
}
