import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** A network between a node and Redis that loses whole messages of channels that the node listens to. */
export interface LossyRedis extends TcpProxy {
	readonly url: string;
	/** Messages for which it returns true don't arrive. */
	loses: (channel: string, payload: Buffer) => boolean;
	readonly lost: string[];
}

export async function startLossyRedis(redisPort: number): Promise<LossyRedis> {
	const proxy = await startTcpProxy(redisPort);
	const lossy: LossyRedis = Object.assign(proxy, {
		url: `redis://127.0.0.1:${proxy.port}`,
		loses: () => false,
		lost: [],
	});
	proxy.filter = (bytes) => {
		const passed: Buffer[] = [];
		let from = 0;
		// Messages are small and written at once, so they don't straddle what a socket reads in these tests.
		while (from < bytes.length) {
			const message = pushedMessage(bytes, from);
			const to = message?.end ?? bytes.length;
			if (message !== undefined && lossy.loses(message.channel, message.payload))
				lossy.lost.push(message.channel);
			else passed.push(bytes.subarray(from, to));
			from = to;
		}
		return Buffer.concat(passed);
	};
	return lossy;
}

/** Reads `*3 $7 message $<n> <channel> $<n> <payload>` (the Redis serialization protocol, version 2). */
function pushedMessage(
	bytes: Buffer,
	from: number,
): { channel: string; payload: Buffer; end: number } | undefined {
	const head = "*3\r\n$7\r\nmessage\r\n";
	if (bytes.toString("latin1", from, from + head.length) !== head) return undefined;
	const channel = bulkString(bytes, from + head.length);
	const payload = channel && bulkString(bytes, channel.end);
	return (
		channel && payload && { channel: channel.bytes.toString(), payload: payload.bytes, end: payload.end }
	);
}

function bulkString(bytes: Buffer, from: number): { bytes: Buffer; end: number } | undefined {
	const lineEnd = bytes.indexOf("\r\n", from);
	if (lineEnd === -1 || bytes[from] !== 0x24) return undefined;
	const start = lineEnd + 2;
	const end = start + Number(bytes.toString("latin1", from + 1, lineEnd));
	return end + 2 > bytes.length ? undefined : { bytes: bytes.subarray(start, end), end: end + 2 };
}
