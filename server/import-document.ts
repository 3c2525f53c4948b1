import { readFileSync } from "node:fs";
import * as Y from "yjs";
import { isDocumentNameAllowed } from "../extensions/limits/document-name.ts";
import { whyUnreadable } from "./advice.ts";
import type { Configuration } from "./configuration.ts";
import { type Closing, TrialClient } from "./doctor/trial-client.ts";
import { documentStore } from "./document-store.ts";
import { merge } from "./import.ts";
import { faultOf } from "./stored-state.ts";
import { UserError } from "./user-error.ts";

export interface ImportDocumentOptions {
	/** A Yjs update (V1), as `indelible export` writes it. */
	readonly file: string;
	readonly documentName: string;
	/** A running deployment that is to take it; otherwise it goes into the store that the settings name. */
	readonly url?: string | undefined;
	readonly token?: string | undefined;
}

const savedDeadlineMs = 60_000;

/**
 * `indelible import --document`: merges one document with what is there under the name. What was deleted there stays deleted.
 * @returns The exit code.
 */
export async function importDocument(
	{ file, documentName, url, token }: ImportDocumentOptions,
	configuration: Configuration,
): Promise<number> {
	const update = readUpdate(file);
	const name = JSON.stringify(documentName);
	if (url !== undefined) {
		await throughDeployment({ update, documentName, url, token: token ?? "" });
		console.log(`${name} is stored by the deployment, merged with what it had.`);
		return 0;
	}
	const { documentNameBytesMax } = configuration.settings;
	if (documentName === "" || Buffer.byteLength(documentName) > documentNameBytesMax)
		throw new UserError(`a document's name has 1 to ${documentNameBytesMax} bytes`);
	if (!isDocumentNameAllowed(documentName, undefined))
		throw new UserError(`${name} has control characters: no node opens a document of this name`);
	const store = documentStore(configuration.settings);
	await store.open();
	try {
		const outcome = await merge(documentName, update, store);
		if (outcome.status === "refused") throw new UserError(`${name} can't be imported: ${outcome.problem}`);
		console.log(`${name}: ${sentences[outcome.status]}. It is in ${store.location}.`);
		return 0;
	} finally {
		await store.close();
	}
}

const sentences = {
	imported: "imported",
	merged: "merged with what was there",
	unchanged: "nothing that was not there already",
} as const;

function readUpdate(file: string): Uint8Array {
	let update: Uint8Array;
	try {
		update = new Uint8Array(readFileSync(file));
	} catch (error) {
		throw new UserError(`${file} can't be read: ${whyUnreadable(error)}`);
	}
	const fault = faultOf(update);
	if (fault !== undefined)
		throw new UserError(`${file} ${fault}. Take what \`indelible export\` has written`);
	return update;
}

interface Delivery {
	readonly update: Uint8Array;
	readonly documentName: string;
	readonly url: string;
	readonly token: string;
}

/** Why the deployment has not taken it. */
function describe({ code, reason }: Closing): string {
	const words = `the socket was closed with ${code} ${reason}`.trimEnd();
	if (code !== 1009 && code !== 4413) return words;
	return `${words}: the document is larger than an editor may send at once. Raise updateBytesMax, updatePartsMax and frameBytesMax of the nodes for it, or import it into the store, without --url`;
}

/** As an editor that brings the document along. */
async function throughDeployment({ update, documentName, url, token }: Delivery): Promise<void> {
	const at = URL.parse(url.replace(/^http(?=s?:)/i, "ws"));
	if (at === null || !["ws:", "wss:"].includes(at.protocol))
		throw new UserError("--url must be a URL like wss://docs.example.com");
	const opening = await TrialClient.open({ url: at, documentName, token });
	if (opening.status !== "open") {
		const why = opening.status === "closed" ? `closed with ${opening.closing.code}` : opening.reason;
		throw new UserError(`${JSON.stringify(documentName)} can't be opened at ${at.host}: ${why}`);
	}
	const { client } = opening;
	try {
		Y.applyUpdate(client.document, update, "import");
		const { pendingStructs, pendingDs } = client.document.store;
		for (const waiting of [pendingStructs?.update, pendingDs])
			if (waiting) client.sendUpdate(Y.convertUpdateFormatV2ToV1(waiting));
		const isOver = () => client.isSaved || client.refusals > 0 || client.closing !== undefined;
		await client.until(isOver, savedDeadlineMs);
		if (client.closing !== undefined) throw new UserError(describe(client.closing));
		if (client.refusals > 0) throw new UserError("the deployment refuses to write this document");
		if (!client.isSaved) throw new UserError(`nothing was acknowledged in ${savedDeadlineMs / 1_000} s`);
	} finally {
		client.end();
	}
}
