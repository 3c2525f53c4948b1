import { once } from "node:events";
import { createServer } from "node:net";

/**
 * A port of this machine that was free a moment ago.
 * @param wanted Taken if it is free; any other one otherwise.
 */
export async function freePort(wanted = 0): Promise<number> {
	const server = createServer();
	try {
		server.listen(wanted, "127.0.0.1");
		await once(server, "listening");
	} catch (error) {
		if (wanted === 0 || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
		return freePort();
	}
	const address = server.address();
	server.close();
	await once(server, "close");
	if (address === null || typeof address === "string") throw new Error("no port");
	return address.port;
}
