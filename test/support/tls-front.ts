import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { createServer } from "node:tls";
import { onTestFinished } from "vitest";

export interface TlsFrontOptions {
	readonly port: number;
	/** A port of this machine. */
	readonly target: number;
	/** Paths of PEM files. */
	readonly certificate: string;
	readonly key: string;
}

/** Does TLS in front of something that speaks none, with whatever certificate. It goes when the test ends. */
export async function startTlsFront({ port, target, certificate, key }: TlsFrontOptions): Promise<void> {
	const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (near) => {
		const far = connect(target, "127.0.0.1");
		for (const socket of [near, far]) {
			socket.on("error", () => {});
			socket.on("close", () => {
				near.destroy();
				far.destroy();
			});
		}
		near.pipe(far).pipe(near);
	});
	server.on("tlsClientError", () => {});
	await new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
	onTestFinished(() => void server.close());
}
