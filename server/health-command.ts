import type { IncomingMessage, RequestOptions } from "node:http";
import type { Settings } from "./settings.ts";

const timeoutMs = 3_000;
/** What is read of an answer: `/readyz` has twenty reasons at most. */
const answerBytesMax = 64 * 1024;
const loopback: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/**
 * `indelible health`: asks the node with these settings on this machine whether it lives, or with `ready` whether it takes
 * people, with TLS or without.
 * @returns The exit code: 1 when it does not.
 */
export async function healthCommand(settings: Settings, { ready }: { ready: boolean }): Promise<number> {
	const { host, port } = settings;
	const path = ready ? "/readyz" : "/healthz";
	try {
		const answer = await ask(settings, path);
		if (answer.status === 200) return 0;
		console.error(`indelible: ${path} on port ${port} of ${host} says ${answer.status}: ${answer.text}`);
	} catch (error) {
		const { code, message } = error as NodeJS.ErrnoException;
		console.error(`indelible: nobody answers on port ${port} of ${host}: ${message || code}`);
	}
	return 1;
}

async function ask({ host, port, tlsCert }: Settings, path: string) {
	const options = { host: loopback[host] ?? host, port, path, signal: AbortSignal.timeout(timeoutMs) };
	const response = await new Promise<IncomingMessage>((resolve, reject) => {
		request(options, tlsCert !== undefined, resolve).once("error", reject);
	});
	let text = "";
	for await (const chunk of response.setEncoding("utf8")) {
		text += chunk;
		if (text.length > answerBytesMax) break;
	}
	return { status: response.statusCode, text: text.trim() };
}

function request(options: RequestOptions, isTls: boolean, onResponse: (response: IncomingMessage) => void) {
	// Not imported, as containers ask every few seconds: see `./node-http.ts`.
	if (!isTls) return process.getBuiltinModule("node:http").get(options, onResponse);
	// Its certificate is for the name that people use, and whether it is good is not the question here.
	return process.getBuiltinModule("node:https").get({ ...options, rejectUnauthorized: false }, onResponse);
}
