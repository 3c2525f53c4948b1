import { createRequire } from "node:module";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { seedText, seedUpdate } from "../../extensions/durability/index.ts";
import { testSeed } from "../support/random.ts";
import { cook, type Recipe, recipe, told } from "../support/yjs-recipe.ts";

const seed = testSeed("seeding a Y.Doc");
const options = { seed, numRuns: 150 };

const clientIds = fc.uniqueArray(fc.integer({ min: 1, max: 2 ** 32 - 1 }), { minLength: 2, maxLength: 2 });

function opened(...updates: (Uint8Array | undefined)[]): Y.Doc {
	const document = new Y.Doc();
	for (const update of updates) if (update !== undefined) Y.applyUpdate(document, update);
	return document;
}

function plainly(given: Recipe): Y.Doc {
	return cook(given, { clientId: 7, roundabout: false });
}

test("the same content gives the same bytes, whoever made it and in whatever order", async () => {
	await fc.assert(
		fc.asyncProperty(recipe, clientIds, async (given, [one = 1, two = 2]) => {
			const first = await seedUpdate(cook(given, { clientId: one, roundabout: false }));
			const second = await seedUpdate(cook(given, { clientId: two, roundabout: true }));
			expect(hex(second)).toBe(hex(first));
		}),
		options,
	);
});

test("a document that came out of updates of several writers, with untyped roots, gives the same bytes", async () => {
	await fc.assert(
		fc.asyncProperty(recipe, clientIds, async (given, [one = 1, two = 2]) => {
			const [root = "", ...others] = Object.keys(given);
			const { [root]: content, ...rest } = given;
			const merged = opened(
				Y.encodeStateAsUpdate(
					cook(content === undefined ? {} : { [root]: content }, { clientId: one, roundabout: true }),
				),
				Y.encodeStateAsUpdate(cook(rest, { clientId: two, roundabout: false })),
			);
			expect(others).toEqual(Object.keys(rest));
			expect(hex(await seedUpdate(merged))).toBe(hex(await seedUpdate(plainly(given))));
		}),
		options,
	);
});

test("a seeded document says what the given one said", async () => {
	await fc.assert(
		fc.asyncProperty(recipe, async (given) => {
			const original = plainly(given);
			const before = told(original, given);
			expect(told(opened(await seedUpdate(original)), given)).toEqual(before);
			expect(told(original, given)).toEqual(before);
		}),
		options,
	);
});

test("two seedings merge into one copy, also with edits made in between", async () => {
	await fc.assert(
		fc.asyncProperty(recipe, async (given) => {
			const client = opened(await seedUpdate(cook(given, { clientId: 1, roundabout: false })));
			client.getText("edited since").insert(0, "kept");
			const state = hex(Y.encodeStateAsUpdate(client));
			const again = await seedUpdate(cook(given, { clientId: 2, roundabout: true }));
			if (again !== undefined) Y.applyUpdate(client, again);
			expect(hex(Y.encodeStateAsUpdate(client))).toBe(state);
			expect(told(client, given)).toEqual(told(plainly(given), given));
		}),
		options,
	);
});

test("other content gets another client id", async () => {
	await fc.assert(
		fc.asyncProperty(recipe, recipe, async (one, two) => {
			const [first, second] = [await seedUpdate(plainly(one)), await seedUpdate(plainly(two))];
			fc.pre(first !== undefined && second !== undefined && Buffer.compare(first, second) !== 0);
			expect(clientsOf(first)).not.toEqual(clientsOf(second));
		}),
		options,
	);
});

test("ids count from 0 and belong to one valid client", async () => {
	const update = await seedUpdate(seedText("hello"));
	if (update === undefined) throw new Error("no update");
	expect(Y.parseUpdateMeta(update)).toEqual({
		from: new Map([[clientsOf(update)[0], 0]]),
		to: new Map([[clientsOf(update)[0], 5]]),
	});
	const [client = 0] = clientsOf(update);
	expect(Number.isInteger(client) && client > 0 && client < 2 ** 32).toBe(true);
});

test("the bytes of a seed do not change from one version to the next", async () => {
	// Should this ever fail, every database that is wiped after the upgrade doubles its documents.
	const document = new Y.Doc();
	const settings = document.getMap("settings");
	settings.set("title", "T");
	settings.set("tags", Y.Array.from<string | number>(["x", 1]));
	document.getText("body").applyDelta([{ insert: "bold", attributes: { bold: {} } }, { insert: " plain" }]);
	expect(Buffer.from((await seedUpdate(document)) ?? []).toString("base64")).toMatchInlineSnapshot(
		`"AQex4o2jBgAGAQRib2R5BGJvbGQCe32EseKNowYABGJvbGSGseKNowYEBGJvbGQEbnVsbISx4o2jBgUGIHBsYWluJwEIc2V0dGluZ3MEdGFncwAoAQhzZXR0aW5ncwV0aXRsZQF3AVQIALHijaMGDAJ3AXh9AQA="`,
	);
	expect(Buffer.from((await seedUpdate(seedText("hello"))) ?? []).toString("base64")).toMatchInlineSnapshot(
		`"AQHA+t60BQAEAQdkZWZhdWx0BWhlbGxvAA=="`,
	);
});

test("a document of another copy of Yjs, as CommonJS loads it, gives the same bytes", async () => {
	const other = createRequire(import.meta.url)("yjs") as typeof Y;
	expect(other.Doc).not.toBe(Y.Doc);
	const fill = (document: Y.Doc, { XmlElement }: typeof Y) => {
		document.getXmlFragment("x").insert(0, [new XmlElement("p")]);
		document.getText("t").insert(0, "bold", { bold: {} });
		return document;
	};
	expect(hex(await seedUpdate(fill(new other.Doc(), other)))).toBe(
		hex(await seedUpdate(fill(new Y.Doc(), Y))),
	);
});

test("nothing gives nothing", async () => {
	const emptied = new Y.Doc();
	emptied.getText("t").insert(0, "x");
	emptied.getText("t").delete(0, 1);
	for (const content of [undefined, null, new Y.Doc(), emptied, seedText(""), []]) {
		expect(await seedUpdate(content)).toBeUndefined();
	}
});

function clientsOf(update: Uint8Array): number[] {
	return [...Y.parseUpdateMeta(update).to.keys()];
}

function hex(update: Uint8Array | undefined): string {
	return Buffer.from(update ?? []).toString("hex");
}
