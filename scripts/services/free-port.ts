import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below those that Linux and macOS give to outgoing connections, which could take one before it is used. */
const ports = { from: 10_000, to: 32_000 };

/**
 * A port of this machine that was free a moment ago.
 * @param wanted Taken if it is free; any other one otherwise.
 */
export async function freePort(wanted = randomInt(ports.from, ports.to)): Promise<number> {
	const server = createServer();
	try {
		server.listen(wanted, "127.0.0.1");
		await once(server, "listening");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
		return freePort();
	}
	server.close();
	await once(server, "close");
	return wanted;
}
