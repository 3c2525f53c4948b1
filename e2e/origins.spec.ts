import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "@playwright/test";
import { expect, serverGoesAway, test } from "./support/test.ts";

/** What becomes of a WebSocket that a page opens. */
function tryWebSocket(page: Page, url: string): Promise<"open" | "refused"> {
	return page.evaluate(
		(address) =>
			new Promise<"open" | "refused">((resolve) => {
				const socket = new WebSocket(address);
				socket.onopen = () => {
					resolve("open");
					socket.close();
				};
				socket.onerror = () => resolve("refused");
			}),
		url,
	);
}

/** How often the node has refused a page: it might have been the browser. */
async function refusalsOf(url: string): Promise<number> {
	const metrics = await (await fetch(`${url}/metrics`)).text();
	return Number(/^indelible_access_events_total\{.*origin-forbidden.*\} (\d+)$/m.exec(metrics)?.[1] ?? 0);
}

test(
	"[ACC6] a page of another site can't have its visitor's browser connect to an open node on this machine",
	serverGoesAway,
	async ({ server, person }) => {
		const site = createServer((_request, response) => {
			response.setHeader("Content-Type", "text/html").end("<link rel=icon href='data:,'><p>You have won</p>");
		});
		await new Promise<void>((done) => site.listen(0, "127.0.0.1", done));
		const page = await person({ name: "Ada" });
		const before = await refusalsOf(server.url);
		const socketUrl = server.url.replace("http", "ws");
		await page.goto(server.url);
		expect(await tryWebSocket(page, socketUrl)).toBe("open");
		await page.goto(`http://evil.example:${(site.address() as AddressInfo).port}/`);
		expect(await tryWebSocket(page, socketUrl)).toBe("refused");
		expect(await refusalsOf(server.url)).toBe(before + 1);
		// The browser takes evil.example to be here (playwright.config.ts). The same name for the node itself makes it of the same host, and of the wrong name.
		const rebound = new URL(server.url);
		rebound.hostname = "evil.example";
		await page.goto(rebound.href);
		expect(await tryWebSocket(page, rebound.href.replace("http", "ws"))).toBe("refused");
		expect(await refusalsOf(server.url)).toBeGreaterThan(before + 1);
		site.close();
		site.closeAllConnections();
	},
);
