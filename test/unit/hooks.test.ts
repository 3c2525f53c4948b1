import { type Extension, Hocuspocus } from "@hocuspocus/server";
import { afterEach, expect, test, vi } from "vitest";
import { containHookErrors } from "../../server/hooks.ts";

afterEach(() => {
	vi.restoreAllMocks();
});

const quiet = () => {};
const silent = { debug: quiet, info: quiet, warn: quiet, error: quiet };

/** A plain instance, and one that runs hooks as a node does. */
function instances(extensions: () => Extension[]): Hocuspocus[] {
	const ours = new Hocuspocus({ extensions: extensions() });
	containHookErrors(ours, silent);
	return [new Hocuspocus({ extensions: extensions() }), ours];
}

test("hooks run one after the other, hand on what they return, and begin when their caller is done, as on a stock server", async () => {
	const told: string[][] = [];
	const heard: string[] = [];
	const hook = (name: string, result: unknown) => async () => {
		await Promise.resolve();
		heard.push(name);
		return result;
	};
	const extensions = (): Extension[] => [
		{ priority: 1, onCreateDocument: hook("last", { gc: false }) },
		{ priority: 3, onCreateDocument: hook("first", { gc: true }) },
		{ priority: 2 },
	];
	for (const instance of instances(extensions)) {
		const running = instance.hooks("onCreateDocument", {} as never);
		heard.push("the caller goes on");
		heard.push(JSON.stringify(await running));
		const seen: unknown[] = [];
		await instance.hooks("onCreateDocument", {} as never, (result: unknown) => seen.push(result));
		heard.push(JSON.stringify(seen));
		told.push(heard.splice(0));
	}
	expect(told[1]).toEqual(told[0]);
});

test("a hook that fails keeps those after it from running, and is printed", async () => {
	const print = vi.spyOn(console, "error").mockImplementation(quiet);
	const after = vi.fn(async () => {});
	const failing = (error: unknown): Extension[] => [
		{ priority: 2, onConnect: () => Promise.reject(error) },
		{ priority: 1, onConnect: after },
	];
	for (const error of [new Error("no"), undefined]) {
		for (const instance of instances(() => failing(error)))
			await expect(instance.hooks("onConnect", {} as never)).rejects.toBe(error);
	}
	expect(after).not.toHaveBeenCalled();
	expect(print).toHaveBeenCalledWith("[onConnect]", "no");
});

test("without a hook there is nothing to wait for", async () => {
	const [, ours] = instances(() => []);
	await expect(ours?.hooks("onTokenSync", {} as never)).resolves.toBeUndefined();
});

test("an extension that is added later, or gets a hook later, is run as on a stock server", async () => {
	for (const instance of instances(() => [])) {
		const ran: string[] = [];
		const run = async () => {
			ran.splice(0);
			await instance.hooks("onConnect", {} as never);
			return ran.join();
		};
		const { extensions } = instance.configuration;
		const late: Extension = { onConnect: async () => void ran.push("late") };
		extensions.push(late);
		expect(await run()).toBe("late");
		extensions.unshift({ onConnect: async () => void ran.push("first") });
		expect(await run()).toBe("first,late");
		late.onConnect = async () => void ran.push("another");
		expect(await run()).toBe("first,another");
		extensions.pop();
		expect(await run()).toBe("first");
	}
});

test("a hook may return what is there already, and what can be waited for", async () => {
	for (const instance of instances(() => [])) {
		const { extensions } = instance.configuration;
		const results = [undefined, { of: "an object" }, Promise.resolve("later")];
		for (const result of results) extensions.push({ onConnect: () => result as never });
		const contexts: unknown[] = [];
		await instance.hooks("onConnect", {} as never, (context: unknown) => {
			// A stock server has hooks that say `null`.
			if (context instanceof Object || context === "later") contexts.push(context);
		});
		expect(contexts).toEqual([{ of: "an object" }, "later"]);
	}
});
