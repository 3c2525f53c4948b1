import type { DeleteResult } from "../extensions/durability/store.ts";
import type { Configuration } from "./configuration.ts";
import { errorIn, operatorClient } from "./operator-client.ts";
import { withCatalogue } from "./stored-catalogue.ts";
import { UserError } from "./user-error.ts";

export interface DeleteCommandOptions {
	readonly documentName: string;
	/** Has the name of a deleted document be used again, instead. */
	readonly free: boolean;
	/** A running node that is to do it; otherwise it is done in the database that the settings name. */
	readonly url?: string | undefined;
}

/**
 * `indelible delete`: deletes one document for good, or frees the name of one that was deleted.
 * @returns The exit code.
 * @throws {UserError} when there is no such document.
 */
export async function deleteCommand(
	{ documentName, free, url }: DeleteCommandOptions,
	configuration: Configuration,
): Promise<number> {
	if (documentName === "" || !documentName.isWellFormed())
		throw new UserError("a document's name is text, and not empty");
	const name = JSON.stringify(documentName);
	const how = url === undefined ? inDatabase(configuration) : throughNode(url, configuration);
	if (free) {
		if (!(await how.free(documentName))) throw new UserError(`${name} is no deleted document's name`);
		console.log(
			`${name} can be used again. Whoever still has the deleted document in a browser brings it back.`,
		);
		return 0;
	}
	if ((await how.delete(documentName)) === "unknown") throw new UserError(`there is no document ${name}`);
	console.log(
		`${name} is deleted. Its name stays refused; to have it used again: indelible delete --free ${name}`,
	);
	return 0;
}

interface Deleting {
	delete(documentName: string): Promise<DeleteResult["status"]>;
	free(documentName: string): Promise<boolean>;
}

function inDatabase(configuration: Configuration): Deleting {
	return {
		delete: (documentName) =>
			withCatalogue(configuration, async (catalogue, store) => {
				const { status } = await catalogue.delete(documentName);
				// Nodes that hear each other through Redis do not listen to the store, unless somebody who follows it speaks.
				if (status !== "unknown") store.follow?.announce([documentName], true);
				return status;
			}),
		free: (documentName) => withCatalogue(configuration, (catalogue) => catalogue.free(documentName)),
	};
}

function throughNode(url: string, configuration: Configuration): Deleting {
	const ask = operatorClient(url, configuration);
	/** @returns Whether there was something to do. */
	const done = async (method: "DELETE" | "POST", path: string, documentName: string) => {
		const { status, body } = await ask(method, `${path}?${new URLSearchParams({ name: documentName })}`);
		if (status === 204 || status === 404) return status === 204;
		throw new UserError(`the node says ${status}: ${errorIn(body)}`);
	};
	return {
		delete: async (documentName) =>
			(await done("DELETE", "/api/documents", documentName)) ? "deleted" : "unknown",
		free: (documentName) => done("POST", "/api/documents/free", documentName),
	};
}
