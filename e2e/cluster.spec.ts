import type { Page } from "@playwright/test";
import { Cluster } from "./support/cluster.ts";
import { badge, create, open, textbox, title, typeAtEnd } from "./support/editors.ts";
import { expect, serverGoesAway, test } from "./support/test.ts";

test.describe.configure({ timeout: 180_000 });

test(
	"[CLU4] two people on two nodes behind a balancer: the node of one is killed while both type, and nothing is lost or doubled",
	serverGoesAway,
	async ({ person }, testInfo) => {
		const cluster = await Cluster.start(3);
		try {
			const baseURL = cluster.url;
			const ada = await person({ name: "Ada Lovelace", baseURL });
			const link = await create(ada, "Text");
			const grace = await person({ name: "Grace Hopper", baseURL });
			await open(grace, link, "Text");
			const home = cluster.arrivals[0]?.node ?? 0;
			// Her page's files count as connections too, while they are fetched: her socket may have met Ada's.
			await expect(async () => {
				if (cluster.arrivals.at(-1)?.node === home) await open(grace, link, "Text");
				expect(cluster.arrivals.at(-1)?.node).not.toBe(home);
			}).toPass();
			expect(new Set(cluster.arrivals.map(({ document }) => document)).size, "they are in one document").toBe(
				1,
			);
			const before = cluster.arrivals.length;
			await title(ada).fill("Two nodes");
			await typeAtEnd(ada, "Before. ");
			await expect(textbox(grace)).toContainText("Before. ");

			const graceSaw = watchBadge(grace);
			const typing = Promise.all([
				textbox(ada).pressSequentially("a".repeat(60), { delay: 40 }),
				textbox(grace).pressSequentially("g".repeat(60), { delay: 40 }),
			]);
			await expect(textbox(grace)).toContainText("aaaaa");
			await cluster.kill(home);
			await expect(badge(ada)).toHaveText(/^Offline/);
			await ada.screenshot({ path: testInfo.outputPath("while-away.png") });
			await typing;

			for (const page of [ada, grace]) await expect(badge(page)).toHaveText("Saved", { timeout: 30_000 });
			await expect(async () => {
				expect(await wordsOf(ada)).toBe("Before. 60a 60g");
				expect(await textOf(grace)).toBe(await textOf(ada));
			}).toPass();
			expect(cluster.arrivals.slice(before)).toHaveLength(1);
			expect(cluster.arrivals.at(-1)?.node, "Ada is on another node").not.toBe(home);
			for (const page of [ada, grace])
				await expect(page.getByRole("button", { name: "2 people are here" })).toBeVisible();
			for (const page of [ada, grace]) await expect(page.getByRole("alert")).toHaveCount(0);
			expect(await graceSaw(), "Grace's node is there").not.toContainEqual(
				expect.stringMatching(/Offline|cannot/),
			);
			await ada.screenshot({ path: testInfo.outputPath("afterwards.png") });

			// The presence of who was on the killed node is not there twice, and the text is not only in the browsers.
			await typeAtEnd(ada, " After.");
			await expect(textbox(grace)).toContainText("After.");
			const late = await person({ name: "Alan Turing", baseURL });
			await open(late, link, "Text");
			await expect(late.getByRole("button", { name: "3 people are here" })).toBeVisible();
			expect(await wordsOf(late)).toBe("Before.  After. 60a 60g");
		} finally {
			await cluster.dispose();
		}
	},
);

/** What is written, without the others' carets. */
function textOf(page: Page): Promise<string> {
	return textbox(page).evaluate((element) => {
		const copy = element.cloneNode(true) as HTMLElement;
		for (const caret of copy.querySelectorAll(".caret")) caret.remove();
		return copy.textContent;
	});
}

/** The words, and how often each of the letters that were typed at the same time is there. */
async function wordsOf(page: Page): Promise<string> {
	const text = await textOf(page);
	const count = (letter: string) => `${text.split(letter).length - 1}${letter}`;
	return `${text.replaceAll(/[ag]/g, "").trim()} ${count("a")} ${count("g")}`;
}

/** @returns Gives all that the badge has said since. */
function watchBadge(page: Page): () => Promise<string[]> {
	const watching = badge(page).evaluate((element) => {
		const seen: string[] = [];
		Object.assign(globalThis, { badgeTexts: seen });
		new MutationObserver(() => seen.push(element.textContent)).observe(element, {
			childList: true,
			characterData: true,
			subtree: true,
		});
	});
	return async () => {
		await watching;
		return page.evaluate(() => (globalThis as unknown as { badgeTexts: string[] }).badgeTexts);
	};
}
