import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A network between two parties that the test can break. */
export interface TcpProxy {
	readonly port: number;
	/** Connections go there; changing it changes new ones. */
	target: number;
	/** Sees what comes back from the target, and what it returns goes on instead. */
	filter: ((bytes: Buffer) => Buffer) | undefined;
	/** How long bytes are under way, in each direction; none by default. */
	delayMs: number;
	/** Ends all connections, and refuses new ones until {@link heal}. */
	cut(): void;
	/** Connections stay open, and nothing passes, until {@link heal}: as when a cable is pulled. What was sent meanwhile passes then. */
	freeze(): void;
	heal(): void;
	/** Ends all connections; new ones are fine. */
	reset(): void;
}

export async function startTcpProxy(target: number): Promise<TcpProxy> {
	const pairs = new Set<{ readonly near: Socket; readonly far: Socket }>();
	let mode: "pass" | "cut" | "freeze" = "pass";
	/** Bytes keep their order, also when the delay changes. */
	const line = (deliver: (bytes: Buffer) => void) => {
		const underWay: Buffer[] = [];
		return (bytes: Buffer) => {
			if (proxy.delayMs === 0 && underWay.length === 0) {
				deliver(bytes);
				return;
			}
			underWay.push(bytes);
			setTimeout(() => deliver(underWay.shift() ?? Buffer.alloc(0)), proxy.delayMs);
		};
	};
	const server = createServer((near) => {
		if (mode === "cut") {
			near.destroy();
			return;
		}
		const far = connect(proxy.target, "127.0.0.1");
		const pair = { near, far };
		pairs.add(pair);
		const end = () => {
			pairs.delete(pair);
			near.destroy();
			far.destroy();
		};
		for (const socket of [near, far]) {
			socket.setNoDelay(true);
			socket.on("error", end);
			socket.on("close", end);
		}
		const toFar = line((bytes) => far.write(bytes));
		const toNear = line((bytes) => near.write(bytes));
		near.on("data", toFar);
		far.on("data", (bytes: Buffer) => toNear(proxy.filter?.(bytes) ?? bytes));
		if (mode === "freeze") for (const socket of [near, far]) socket.pause();
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const address = server.address();
	if (address === null || typeof address === "string") throw new Error("no port");
	const end = () => {
		for (const { near, far } of pairs) {
			near.destroy();
			far.destroy();
		}
		pairs.clear();
	};
	const proxy: TcpProxy = {
		port: address.port,
		target,
		filter: undefined,
		delayMs: 0,
		cut() {
			mode = "cut";
			end();
		},
		freeze() {
			mode = "freeze";
			for (const { near, far } of pairs) for (const socket of [near, far]) socket.pause();
		},
		heal() {
			mode = "pass";
			proxy.delayMs = 0;
			for (const { near, far } of pairs) for (const socket of [near, far]) socket.resume();
		},
		reset: end,
	};
	onTestFinished(() => {
		end();
		server.close();
	});
	return proxy;
}
