import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { DurabilityLogger } from "../extensions/durability/index.ts";
import type { Metrics } from "../extensions/metrics/index.ts";
import type { Operations } from "./admin/operations.ts";
import type { HttpAnswer } from "./answer-http.ts";
import { createLogger } from "./logging.ts";
import type { IndelibleNode } from "./node.ts";
import { packageFolder } from "./package-folder.ts";
import { type PlainAnswer, plainAnswers } from "./plain-answers.ts";
import { problemWith } from "./settings.ts";
import { SettingsError } from "./settings-error.ts";

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
	readonly #isOurs: RegExp;
	readonly #answerPlainly: PlainAnswer;
	readonly #make: () => Promise<Routes>;
	/** What answers, and what of that has to be closed. */
	#routes: Promise<Routes> | undefined;

	/** @throws {SettingsError} when the admin token can't be one. */
	constructor(node: IndelibleNode, { adminToken, metrics, logger }: OperatorRoutesOptions = {}) {
		const hasAdmin = adminToken !== undefined;
		const paths = ["healthz$", "readyz$"];
		if (metrics !== undefined) paths.push("metrics$");
		if (hasAdmin) paths.push("admin(/|$)", "api/(admin|auth)/", "api/documents(/|$)");
		this.#isOurs = new RegExp(`^/(${paths.join("|")})`);
		this.#answerPlainly = plainAnswers({ readiness: () => node.readiness(), metrics });
		this.#make = () => makeRoutes(node, { adminToken, logger });
		if (!hasAdmin) return;
		const problem = problemWith("adminToken", adminToken);
		const where = "the options of OperatorRoutes";
		if (problem !== undefined) throw new SettingsError([{ where, name: "adminToken", problem }]);
		node.answerDoctor(adminToken);
		// At once, because of what is noted each second.
		this.#routes = this.#make();
	}

	/**
	 * Answers a request that is for one of these routes, whose paths are at the root of your server. Call it before anything reads the
	 * request's body. Never rejects.
	 * @returns Whether it was; otherwise nothing was done.
	 */
	async handle(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
		if (!this.#isOurs.test(request.url?.split("?", 1)[0] ?? "")) return false;
		if (await this.#answerPlainly(request, response)) return true;
		this.#routes ??= this.#make();
		const { answer } = await this.#routes;
		await answer(request, response);
		return true;
	}

	/** Ends what is noted each second for the admin page. */
	close(): void {
		// Also what is only being made now. It can't fail but with a package that is not whole, and then there is nothing to close.
		void this.#routes?.then(({ operations }) => operations?.close());
	}
}

interface Routes {
	readonly answer: HttpAnswer;
	readonly operations: Operations | undefined;
}

async function makeRoutes(
	node: IndelibleNode,
	{ adminToken, logger }: Pick<OperatorRoutesOptions, "adminToken" | "logger">,
): Promise<Routes> {
	const { answerHttp } = await import("./answer-http.ts");
	// The rest of the process keeps its own `Request` and `Response`.
	const options = { node, demo: false, overrideGlobalObjects: false };
	if (adminToken === undefined)
		return { answer: answerHttp({ ...options, administration: undefined }), operations: undefined };
	const { Operations } = await import("./admin/operations.ts");
	const operations = new Operations({
		node,
		version: ownVersion(),
		logger: logger ?? createLogger(toOutput),
	});
	const access = { token: adminToken, trustedProxies: node.trustedProxies };
	return { answer: answerHttp({ ...options, administration: { access, operations } }), operations };
}

const toOutput = { logLevel: "info", logFormat: "auto" } as const;

function ownVersion(): string {
	const text = readFileSync(new URL("package.json", packageFolder), "utf8");
	return (JSON.parse(text) as { version: string }).version;
}
