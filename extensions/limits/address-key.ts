import { BlockList, isIP } from "node:net";

const notPublic = new BlockList();
for (const [network, bits] of [
	["0.0.0.0", 8],
	["10.0.0.0", 8],
	["100.64.0.0", 10],
	["127.0.0.0", 8],
	["169.254.0.0", 16],
	["172.16.0.0", 12],
	["192.168.0.0", 16],
] as const)
	notPublic.addSubnet(network, bits, "ipv4");
notPublic.addAddress("::1", "ipv6");
notPublic.addSubnet("fc00::", 7, "ipv6");
notPublic.addSubnet("fe80::", 10, "ipv6");

/** Whether an address is one that routers of the internet know: RFC 1918, 6598, 3927, 4193 and 4291 name the others. */
function isPublic(address: string): boolean {
	return !notPublic.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

/**
 * What counts as one address: an IPv4 address, or the /64 of an IPv6 address, of which whoever has one has them all. Pure.
 * @param address `undefined` when nobody knows it.
 * @param arePrivateLimited Whether private and loopback addresses count; they are those of proxies, or of a company's own people.
 * @returns `undefined` when it is not limited.
 */
export function addressKey(address: string | undefined, arePrivateLimited: boolean): string | undefined {
	if (address === undefined) return undefined;
	const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
	const family = isIP(plain);
	if (family === 0 || (!arePrivateLimited && !isPublic(plain))) return undefined;
	return family === 4 ? plain : firstHalf(plain);
}

/** The first 64 bits, written without zeros to skip. */
function firstHalf(address: string): string {
	const [unzoned = ""] = address.split("%");
	const [head = "", tail] = unzoned.split("::");
	const before = head === "" ? [] : head.split(":");
	const after = tail === undefined || tail === "" ? [] : tail.split(":");
	const groups = (tail: readonly string[]) =>
		tail.reduce((count, group) => count + (group.includes(".") ? 2 : 1), 0);
	const zeros = tail === undefined ? 0 : 8 - before.length - groups(after);
	const all = [...before, ...new Array<string>(Math.max(0, zeros)).fill("0"), ...after];
	return `${all
		.slice(0, 4)
		.map((group) => Number.parseInt(group, 16).toString(16))
		.join(":")}::/64`;
}
