import { BlockList, isIP } from "node:net";
import { copied } from "./kept-text.ts";
import type { UpgradeRequest } from "./upgrade-request.ts";

/** Proxies whose word is believed about who connects to them. */
export class TrustedProxies {
	readonly #list = new BlockList();

	/**
	 * @param networks Addresses and networks: `10.0.0.7`, `10.0.0.0/8`, `fd00::/8`.
	 * @throws {TypeError} that names the first that is neither.
	 */
	constructor(networks: readonly string[]) {
		for (const network of networks) {
			const [address = "", bits, ...more] = network.split("/");
			const family = isIP(address);
			const bitsMax = family === 6 ? 128 : 32;
			const isRight =
				family !== 0 &&
				more.length === 0 &&
				(bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= bitsMax));
			if (!isRight) throw new TypeError(`${JSON.stringify(network)} is neither an address nor a network`);
			this.#list.addSubnet(
				address,
				bits === undefined ? bitsMax : Number(bits),
				family === 6 ? "ipv6" : "ipv4",
			);
		}
	}

	trusts(address: string): boolean {
		return this.#list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
	}
}

/**
 * The address of whoever a request is from. Each proxy appends whom it has heard it from to `X-Forwarded-For`, so only what
 * trusted ones have appended counts: from the right, up to and including the first address that is none of theirs. Pure.
 * @param remote Of the connection; `undefined` when it is none of a network.
 */
export function clientAddress(
	remote: string | undefined,
	forwardedFor: string | undefined,
	trusted: TrustedProxies,
): string | undefined {
	let address = plain(remote ?? "");
	if (address === undefined || forwardedFor === undefined) return address;
	for (const hop of forwardedFor.split(",").reverse()) {
		if (!trusted.trusts(address)) break;
		const before = plain(hop.trim());
		if (before === undefined) break;
		address = before;
	}
	// The limit of connections remembers it, and not all that was sent with it.
	return copied(address);
}

/** Without a port, brackets or the form that IPv4 has in IPv6; `undefined` when it is no address. */
function plain(written: string): string | undefined {
	if (isIP(written) === 4) return written;
	const withoutPort =
		/^\[(.+)\](?::\d+)?$/.exec(written)?.[1] ?? written.replace(/^(\d+(?:\.\d+){3}):\d+$/, "$1");
	const address = withoutPort.replace(/^::ffff:(?=\d+\.)/i, "");
	return isIP(address) === 0 ? undefined : address;
}

/** As {@link clientAddress}, of a request as it has come. */
export function clientAddressOf(
	{ headers, socket }: UpgradeRequest,
	trusted: TrustedProxies,
): string | undefined {
	const header = headers["x-forwarded-for"];
	return clientAddress(socket.remoteAddress, Array.isArray(header) ? header.join(",") : header, trusted);
}

const addresses = new WeakMap<Request, string>();

/** Remembers whom a request is from for as long as there is the request. */
export function noteAddress(request: Request, from: UpgradeRequest, trusted: TrustedProxies): void {
	const address = clientAddressOf(from, trusted);
	if (address !== undefined) addresses.set(request, address);
}

/** Whom a request that hooks are given is from, as far as that is known. */
export function addressOf(request: Request): string | undefined {
	return addresses.get(request);
}
