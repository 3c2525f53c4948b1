import {
	type BrowserContext,
	type BrowserContextOptions,
	test as base,
	expect,
	type Page,
} from "@playwright/test";
import { Server } from "./server.ts";

export { expect };

export interface PersonOptions extends BrowserContextOptions {
	readonly name?: string;
}

interface Fixtures {
	/** A browser of its own for each person: nothing is shared but the server. */
	person: (options?: PersonOptions) => Promise<Page>;
}

interface WorkerFixtures {
	server: Server;
}

/** What the browser itself says when a server is away. Everything else on the console fails the test. */
const connectionErrors = [
	/net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|CONNECTION_CLOSED|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|INTERNET_DISCONNECTED)/,
	/WebSocket connection to .* failed/,
];
/** What it says when a server refuses something. */
const refusal = /the server responded with a status of 4\d\d/;

export const test = base.extend<Fixtures, WorkerFixtures>({
	server: [
		// biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of fixtures from it.
		async ({}, use) => {
			const server = await Server.start();
			await use(server);
			await server.dispose();
		},
		{ scope: "worker" },
	],
	person: async ({ browser, server, contextOptions }, use, testInfo) => {
		const contexts: BrowserContext[] = [];
		const complaints: string[] = [];
		await use(async ({ name, ...options } = {}) => {
			const context = await browser.newContext({ ...contextOptions, baseURL: server.url, ...options });
			contexts.push(context);
			if (name !== undefined) await introduce(context, name);
			const page = await context.newPage();
			const complain = (text: string) => complaints.push(text);
			page.on("pageerror", (error) => complain(`uncaught: ${error.stack ?? error.message}`));
			page.on("console", (message) => {
				if (message.type() !== "error" && message.type() !== "warning") return;
				complain(`${message.type()}: ${message.text()} ${message.location().url}`);
			});
			return page;
		});
		for (const context of contexts) await context.close();
		const isAllowed = (text: string) =>
			text.includes("Service Worker registration blocked by Playwright") ||
			(testInfo.annotations.some(({ type }) => type === "server-away") &&
				connectionErrors.some((pattern) => pattern.test(text))) ||
			(testInfo.annotations.some(({ type }) => type === "server-refuses") && refusal.test(text));
		expect(complaints.filter((text) => !isAllowed(text))).toEqual([]);
	},
});

/** In tests that take the server away the browser says so on its console. */
export const serverGoesAway = { annotation: { type: "server-away" } };
export const serverRefuses = { annotation: { type: "server-refuses" } };

async function introduce(context: BrowserContext, name: string): Promise<void> {
	const person = { id: name.toLowerCase().replaceAll(" ", "-"), name, color: colorOf(name) };
	await context.addInitScript((value) => {
		if (localStorage.getItem("indelible:person") === null) {
			localStorage.setItem("indelible:person", JSON.stringify(value));
		}
	}, person);
}

function colorOf(name: string): string {
	const colors = ["#c2185b", "#00796b", "#7b3fc4", "#b3401a", "#0b6bb5"];
	const sum = [...name].reduce((total, letter) => total + letter.charCodeAt(0), 0);
	return colors[(sum >> 3) % colors.length] ?? "#c2185b";
}
