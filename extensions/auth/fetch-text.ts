export interface FetchedText {
	readonly status: number;
	readonly text: string;
}

/**
 * Fetches a text of bounded size, and follows no redirect: a credential goes to whom it was meant for.
 * @throws When it can't be had or is larger. Messages hold nothing of what was sent.
 */
export async function fetchText(
	url: string | URL,
	init: RequestInit,
	bytesMax: number,
): Promise<FetchedText> {
	const response = await fetch(url, { ...init, redirect: "error" }).catch((error: Error) => {
		// `fetch` says only that it failed; its cause says why.
		const { code } = Object(error.cause) as { code?: unknown };
		throw new Error(typeof code === "string" ? `it can't be reached (${code})` : reasonOf(error));
	});
	const chunks: Uint8Array[] = [];
	let bytes = 0;
	for await (const chunk of response.body ?? []) {
		bytes += chunk.byteLength;
		if (bytes > bytesMax) throw new Error(`its answer is larger than ${bytesMax} bytes`);
		chunks.push(chunk);
	}
	return { status: response.status, text: Buffer.concat(chunks).toString() };
}

function reasonOf({ name }: Error): string {
	return name === "TimeoutError" || name === "AbortError" ? "it took too long" : "it can't be reached";
}
