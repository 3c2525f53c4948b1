import { expect, test } from "vitest";
import { Occupants } from "../../extensions/limits/occupants.ts";
import { TrafficMeter } from "../../extensions/limits/traffic-meter.ts";

const rates = {
	messages: { perSecond: 100, burst: 1_000 },
	bytes: { perSecond: 0, burst: 0 },
};

function socket(): Request {
	return new Request("http://localhost/");
}

test("a socket counts once for its user, however many documents are open on it", () => {
	const occupants = new Occupants();
	const [one, other] = [socket(), socket()];
	expect(occupants.enter(one, "u1")?.connections).toBe(1);
	expect(occupants.enter(one, "u1")?.connections).toBe(1);
	expect(occupants.enter(other, "u1")?.connections).toBe(2);
	expect(occupants.documentsOf(one)).toBe(2);
	for (const request of [one, one, other, other]) occupants.leave(request, 0);
	expect(occupants.documentsOf(one)).toBe(0);
	expect(occupants.size).toBe(0);
});

test("[TRN5] whoever opens something as nobody first is counted as soon as it says who it is", () => {
	const occupants = new Occupants();
	const request = socket();
	expect(occupants.enter(request, undefined)).toBeUndefined();
	const user = occupants.enter(request, "u1");
	expect(user?.connections).toBe(1);
	expect(occupants.enter(request, undefined)).toBe(user);
	for (let left = 0; left < 3; left += 1) occupants.leave(request, 0);
	expect(user?.connections).toBe(0);
	expect(occupants.size).toBe(0);
});

test("[TRN5] a user who leaves and comes back has sent what it has sent; once that is long ago, nothing is kept", () => {
	const occupants = new Occupants();
	const request = socket();
	const user = occupants.enter(request, "u1");
	if (user === undefined) throw new Error("nobody is known");
	user.meter = new TrafficMeter();
	user.meter.charge(900, 0, rates, 0);
	occupants.leave(request, 0);
	expect(occupants.enter(request, "u1")).toBe(user);
	occupants.leave(request, 1_000);
	expect(occupants.size).toBe(1);
	for (let index = 0; index < 50; index += 1) {
		const other = socket();
		occupants.enter(other, `other ${index}`);
		occupants.leave(other, 60_000);
	}
	expect(occupants.size).toBe(0);
});
