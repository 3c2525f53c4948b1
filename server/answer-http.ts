import type { IncomingMessage, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import { getRequestListener } from "@hono/node-server";
import type { AdminGateOptions } from "./admin/admin-gate.ts";
import type { Operations } from "./admin/operations.ts";
import { serveAdministration } from "./administration.ts";
import { createHttp } from "./http.ts";
import type { IndelibleNode } from "./node.ts";
import { packageFolder } from "./package-folder.ts";
import { storedDocumentsOf } from "./stored-documents.ts";

export interface HttpAnswersOptions {
	readonly node: IndelibleNode;
	/** Whether the demo editor is among it. */
	readonly demo: boolean;
	readonly administration: { readonly access: AdminGateOptions; readonly operations: Operations } | undefined;
	/** Whether all of the process may get another `Request` and `Response`, which are faster. */
	readonly overrideGlobalObjects: boolean;
}

/** Answers a request. Never rejects. */
export type HttpAnswer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * A node's pages. This module, and the 60 files of others' that it needs, is loaded when somebody asks for one: who comes with a
 * WebSocket does not, and after a restart there are thousands of them.
 */
export function answerHttp({
	node,
	demo,
	administration,
	overrideGlobalObjects,
}: HttpAnswersOptions): HttpAnswer {
	const app = createHttp({
		demoFolder: demo ? builtFolder("demo") : undefined,
		adminFolder: administration === undefined ? undefined : builtFolder("admin"),
	});
	if (administration !== undefined) {
		const { access, operations } = administration;
		const documents = storedDocumentsOf(node);
		serveAdministration(app, access, { revoke: (request) => node.revoke(request), operations, documents });
	}
	return getRequestListener(app.fetch, { overrideGlobalObjects });
}

function builtFolder(name: string): string {
	return fileURLToPath(new URL(`dist/${name}`, packageFolder));
}
