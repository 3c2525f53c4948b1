import { expect, test } from "vitest";
import { addressKey } from "../../extensions/limits/address-key.ts";
import { Addresses } from "../../extensions/limits/addresses.ts";

const handshakes = { perSecond: 10, burst: 100 };
const any = { perSecond: 0, burst: 0 };

test.for([
	["203.0.113.7", "203.0.113.7"],
	["::ffff:203.0.113.7", "203.0.113.7"],
	["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
	["2001:db8:1:2:ffff::", "2001:db8:1:2::/64"],
	["2001:db8::1", "2001:db8:0:0::/64"],
	["2001:0DB8::1", "2001:db8:0:0::/64"],
	["2001:db8:1:2::198.51.100.7", "2001:db8:1:2::/64"],
	["10.1.2.3", undefined],
	["172.31.0.1", undefined],
	["172.32.0.1", "172.32.0.1"],
	["192.168.0.1", undefined],
	["100.64.0.1", undefined],
	["169.254.1.1", undefined],
	["127.0.0.1", undefined],
	["::1", undefined],
	["fd12::1", undefined],
	["fe80::1%eth0", undefined],
	["::ffff:10.0.0.1", undefined],
	["somewhere", undefined],
	[undefined, undefined],
] as const)("the address %s counts as %s", ([address, key]) => {
	expect(addressKey(address, false)).toBe(key);
});

test("private addresses count when they are to", () => {
	expect(addressKey("127.0.0.1", true)).toBe("127.0.0.1");
	expect(addressKey("fe80::1%eth0", true)).toBe("fe80:0:0:0::/64");
	expect(addressKey("::1", true)).toBe("0:0:0:0::/64");
});

test("an address has so many connections, and one more when one of them ends", () => {
	const addresses = new Addresses({ connectionsMax: 2, handshakes: any, addressesMax: 10 });
	expect(["a", "a", "a", "b"].map((key) => addresses.arrive(key, 0))).toEqual([
		"welcome",
		"welcome",
		"connections-per-address",
		"welcome",
	]);
	addresses.left("a");
	expect(addresses.arrive("a", 0)).toBe("welcome");
});

test("an address may connect so often, whether it was let in or not", () => {
	const addresses = new Addresses({ connectionsMax: 1, handshakes, addressesMax: 10 });
	const verdicts = Array.from({ length: 200 }, () => addresses.arrive("a", 0));
	expect(verdicts.filter((verdict) => verdict === "welcome").length).toBe(1);
	expect(verdicts.filter((verdict) => verdict === "connections-per-address").length).toBe(100);
	expect(addresses.arrive("a", 50)).toBe("handshakes-per-address");
	expect(addresses.arrive("b", 50)).toBe("welcome");
	expect(addresses.arrive("a", 101)).toBe("connections-per-address");
});

test("a million addresses take no more room than the bound; who is connected is not forgotten", () => {
	const addresses = new Addresses({ connectionsMax: 1, handshakes, addressesMax: 1_000 });
	expect(addresses.arrive("someone", 0)).toBe("welcome");
	for (let from = 0; from < 100_000; from += 1) {
		const key = `10.0.${from}`;
		addresses.arrive(key, 0);
		addresses.left(key);
	}
	expect(addresses.size).toBe(1_000);
	expect(addresses.arrive("someone", 0)).toBe("connections-per-address");
});
