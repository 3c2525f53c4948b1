import { WireClient } from "./wire-client.ts";

const connectionsAtOnce = 25;

/** Has somebody bring each document to the server, and leave. Resolves when all are acknowledged. */
export async function bringDocuments(
	url: string,
	names: readonly string[],
	contents: Uint8Array,
): Promise<void> {
	for (let first = 0; first < names.length; first += connectionsAtOnce) {
		await Promise.all(
			names.slice(first, first + connectionsAtOnce).map(async (documentName) => {
				const author = await WireClient.open({ url, documentName, contents });
				author.terminate();
			}),
		);
	}
}
