import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { clientAddress, TrustedProxies } from "../../server/transport/client-address.ts";

const proxies = new TrustedProxies(["10.0.0.0/8", "192.0.2.7", "fd00::/8"]);

test.for([
	["nobody between", "198.51.100.1", undefined, "198.51.100.1"],
	["a stranger who claims to be a proxy", "198.51.100.1", "1.2.3.4", "198.51.100.1"],
	["one proxy", "10.0.0.1", "198.51.100.1", "198.51.100.1"],
	["one proxy, and a client that makes up more", "10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"],
	["two proxies", "10.0.0.1", "1.1.1.1, 198.51.100.1, 192.0.2.7", "198.51.100.1"],
	["proxies only", "10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2"],
	["a proxy that says nothing", "10.0.0.1", undefined, "10.0.0.1"],
	["a proxy that says nonsense", "10.0.0.1", "unknown", "10.0.0.1"],
	["with ports", "10.0.0.1", "198.51.100.1:4711", "198.51.100.1"],
	["IPv6 with a port", "fd00::1", "[2001:db8::1]:4711", "2001:db8::1"],
	["IPv4 in IPv6", "::ffff:10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"],
	["no address at all", undefined, "198.51.100.1", undefined],
] as const)("%s", ([, remote, forwardedFor, expected]) => {
	expect(clientAddress(remote, forwardedFor, proxies)).toBe(expected);
});

test("[TRN5] whoever remembers an address remembers nothing of what was sent with it", () => {
	setFlagsFromString("--expose-gc");
	const collect = runInNewContext("gc") as () => void;
	const heapBytes = () => {
		collect();
		return process.memoryUsage().heapUsed;
	};
	const before = heapBytes();
	const kept = Array.from({ length: 150 }, (_, n) =>
		clientAddress(
			"10.0.0.1",
			Buffer.from(`${"1.2.3.4,".repeat(1_800)} 198.51.100.${100 + n}`).toString(),
			proxies,
		),
	);
	expect((heapBytes() - before) / kept.length).toBeLessThan(4_000);
	expect(kept[7]).toBe("198.51.100.107");
});

test.for(["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "proxy.example", "", "::/129"])(
	"%s is no network",
	(network) => {
		expect(() => new TrustedProxies([network])).toThrow(JSON.stringify(network));
	},
);
