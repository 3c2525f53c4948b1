import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, onTestFinished, test } from "vitest";
import { WorkerLink } from "../../extensions/durability/storage/worker-link.ts";
import { StoreUnavailableError } from "../../extensions/durability/store.ts";
import type { AttentiveProtocol } from "../support/attentive-target.ts";
import { eventually } from "../support/eventually.ts";
import { Random, testSeed } from "../support/random.ts";

type Link = WorkerLink<AttentiveProtocol>;

const script = new URL("../support/attentive-target.ts", import.meta.url);

function attentiveLink(): Link {
	const link: Link = new WorkerLink(script, { name: "attentive" }, true);
	onTestFinished(() => link.close("close"));
	return link;
}

function askBriefly(link: Link, text: string) {
	return link.askBriefly("brief", Buffer.byteLength(text), (target) => target.write(text));
}

/** A question whose answer comes back through the slot, if it went there. */
function askForNumber(link: Link) {
	return askBriefly(link, "?");
}

/** Keeps this thread busy, so that the next question comes at any moment of the worker's. */
function spin(micros: number): void {
	const untilMs = performance.now() + micros / 1_000;
	while (performance.now() < untilMs);
}

test("no question is lost between a worker that waits and one that goes back to its event loop", async () => {
	const random = new Random(testSeed("attentive worker"));
	const link = attentiveLink();
	for (let question = 0; question < 10_000; question += 1) {
		const text = `${question}`;
		if (random.below(2) === 0) expect(await askForNumber(link)).toBe(question);
		else {
			const answer = random.below(8) > 0 ? askBriefly(link, text) : link.ask("long", text);
			expect(await answer).toEqual({ before: question, text });
		}
		spin(random.below(400));
	}
});

test("questions are answered in their order, whichever way each of them goes", async () => {
	const random = new Random(testSeed("order of questions"));
	const link = attentiveLink();
	let asked = 0;
	for (let round = 0; round < 200; round += 1) {
		const heard: number[] = [];
		const questions = Array.from({ length: 1 + random.below(6) }, async () => {
			const text = `${asked}`;
			asked += 1;
			const ways = [() => askForNumber(link), () => askBriefly(link, text), () => link.ask("long", text)];
			const answer = await random.pick(ways)();
			if (typeof answer === "object") expect(answer.text).toBe(text);
			heard.push(typeof answer === "object" ? answer.before : answer);
		});
		const first = asked - questions.length;
		// So that several answers are there before one of them is heard.
		spin(random.below(400));
		await Promise.all(questions);
		expect(heard).toEqual(questions.map((_, index) => first + index));
	}
});

test("a brief question of any size arrives whole", async () => {
	const link = attentiveLink();
	for (const length of [0, 1, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 300_000]) {
		const text = "x".repeat(length);
		expect(await askBriefly(link, text)).toMatchObject({ text });
	}
});

test("a question that can't be written is not asked, and the next one is answered", async () => {
	const link = attentiveLink();
	const broken = link.askBriefly("brief", 5, () => {
		throw new RangeError("no question");
	});
	await expect(broken).rejects.toThrow("no question");
	expect(await askBriefly(link, "next")).toEqual({ before: 0, text: "next" });
});

test("what the worker throws arrives as what it is, and the worker goes on", async () => {
	const link = attentiveLink();
	await expect(link.ask("refuse", undefined)).rejects.toThrow(StoreUnavailableError);
	expect(await askBriefly(link, "next")).toEqual({ before: 0, text: "next" });
});

test("[DUR1] what a worker had not answered when it died was not done, and another one takes its place", async () => {
	const link = attentiveLink();
	expect(await askBriefly(link, "first")).toEqual({ before: 0, text: "first" });
	const death = link.ask("die", undefined);
	const behind = askBriefly(link, "behind");
	await expect(death).rejects.toThrow(/the thread attentive ended: exit code 3/);
	await expect(behind).rejects.toThrow(StoreUnavailableError);
	expect(await askBriefly(link, "next")).toEqual({ before: 0, text: "next" });
});

test("[DUR1] what a worker had answered before it died was done, also when nobody has heard of it yet", async () => {
	const link = attentiveLink();
	for (let death = 0; death < 10; death += 1) {
		await askBriefly(link, "begin");
		const answer = askForNumber(link);
		const end = link.ask("die", undefined);
		// So that the thread is gone by then.
		spin(100_000);
		expect(await answer).toBe(1);
		await expect(end).rejects.toThrow(StoreUnavailableError);
	}
});

test("nothing waits for a worker that has ended", async () => {
	setFlagsFromString("--expose-gc");
	const collect = runInNewContext("gc") as () => void;
	const ended = async () => {
		const link: Link = new WorkerLink(script, { name: "attentive" }, true);
		await askForNumber(link);
		await link.close("close");
		return new WeakRef(link);
	};
	const link = await ended();
	await eventually("it is collected", () => {
		collect();
		return link.deref() === undefined;
	});
});

test("a worker that waits does not keep its process from ending", async () => {
	const link = new URL("../../extensions/durability/storage/worker-link.ts", import.meta.url);
	const program = `
		import(${JSON.stringify(link.href)}).then(async ({ WorkerLink }) => {
			const link = new WorkerLink(new URL(${JSON.stringify(script.href)}), { name: "attentive" }, true);
			console.log((await link.askBriefly("brief", 2, (target) => target.write("hi"))).text);
			console.log(await link.askBriefly("brief", 1, (target) => target.write("?")));
		});
	`;
	const { stdout } = await promisify(execFile)(process.execPath, ["--eval", program], { timeout: 30_000 });
	expect(stdout).toBe("hi\n1\n");
});
