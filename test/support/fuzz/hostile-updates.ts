import * as encoding from "lib0/encoding";
import * as Y from "yjs";
import { content, type RawSection, type RawStruct, rawUpdate } from "./raw-update.ts";

/** Updates that a client may send and no editor does, by what is wrong with them. Sent in order, by one client. */
export interface HostileCase {
	readonly name: string;
	readonly updates: readonly Uint8Array[];
}

/** Clients who write these; the document's people draw theirs at random below 2^32. */
const client = 7;

function one(struct: RawStruct, clock: number | bigint = 0, by: number | bigint = client): Uint8Array {
	return rawUpdate([{ client: by, clock, structs: [struct] }]);
}

function section(structs: readonly RawStruct[]): RawSection {
	return { client, clock: 0, structs };
}

/** Types within types, each in the one before it; the first in a root. */
function nested(type: number, depth: number, name?: string): Uint8Array {
	return rawUpdate([
		section(
			Array.from({ length: depth }, (_, clock) => ({
				content: content.type(type, name),
				parent: clock === 0 ? "nested" : { client, clock: clock - 1 },
			})),
		),
	]);
}

/** An element in each of the types of {@link nested}. */
function inEach(depth: number): Uint8Array {
	return rawUpdate([
		{
			client: client + 1,
			clock: 0,
			structs: Array.from({ length: depth }, (_, clock) => ({
				content: content.any(1),
				parent: { client, clock },
			})),
		},
	]);
}

/** A chain of values within values. */
function deepValue(depth: number): Uint8Array {
	return encoding.encode((encoder) => {
		// 117 is lib0's array; each has one element.
		for (let level = 0; level < depth; level += 1) {
			encoding.writeUint8(encoder, 117);
			encoding.writeVarUint(encoder, 1);
		}
		encoding.writeUint8(encoder, 126);
	});
}

function made(make: (document: Y.Doc) => void): Uint8Array {
	const document = new Y.Doc();
	make(document);
	return Y.encodeStateAsUpdate(document);
}

function asV2(make: (document: Y.Doc) => void): Uint8Array {
	return Y.convertUpdateFormatV1ToV2(made(make));
}

const text = content.string("x");
const proto = ["__proto__", "constructor", "toString", "hasOwnProperty", "prototype", "\0", "", "\ud800"];
const deletions = (ranges: readonly (readonly [number | bigint, number | bigint])[], by: number = client) =>
	rawUpdate([], [{ client: by, ranges }]);

const clocks: readonly HostileCase[] = [2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n].flatMap((limit) => [
	{ name: `a struct at clock ${limit}`, updates: [one({ content: text }, limit)] },
	{ name: `a client with id ${limit}`, updates: [one({ content: text }, 0, limit)] },
	{
		name: `a neighbour at clock ${limit}`,
		updates: [one({ content: text, origin: { client, clock: limit } })],
	},
	{
		name: `a gap of ${limit}`,
		updates: [rawUpdate([section([{ content: content.skip(limit) }, { content: text }])])],
	},
	{ name: `collected structs of length ${limit}`, updates: [one({ content: content.gc(limit) })] },
	{ name: `deleted content of length ${limit}`, updates: [one({ content: content.deleted(limit) })] },
	{
		name: `deleted content of length ${limit}, and text after it`,
		updates: [one({ content: content.deleted(limit) }), one({ content: text }, limit)],
	},
	{ name: `a deletion of ${limit}`, updates: [deletions([[0, limit]])] },
	{ name: `a deletion at ${limit}`, updates: [deletions([[limit, 1]])] },
	{
		name: `${limit} structs that are not there`,
		updates: [rawUpdate([{ client, clock: 0, structs: [{ content: text }], count: limit }])],
	},
	{
		name: `${limit} values that are not there`,
		updates: [one({ content: content.rawAny(limit, new Uint8Array([126])) })],
	},
]);

const shapes: readonly HostileCase[] = [
	{ name: "no structs in a section", updates: [rawUpdate([section([])])] },
	{ name: "only a gap", updates: [rawUpdate([section([{ content: content.skip(5) }])])] },
	{
		name: "a gap of nothing",
		updates: [rawUpdate([section([{ content: content.skip(0) }, { content: text }])])],
	},
	{ name: "collected structs of no length", updates: [one({ content: content.gc(0) })] },
	{
		name: "collected structs out of nowhere",
		updates: [one({ content: content.gc(5) }), one({ content: text, origin: { client, clock: 2 } }, 5)],
	},
	{ name: "deleted content of no length", updates: [one({ content: content.deleted(0) })] },
	{ name: "text of no length", updates: [one({ content: content.string("") })] },
	{ name: "no values", updates: [one({ content: content.any() })] },
	{ name: "no JSON", updates: [one({ content: content.json() })] },
	{
		name: "a section twice",
		updates: [rawUpdate([section([{ content: text }]), section([{ content: text }, { content: text }])])],
	},
	{
		name: "sections in ascending order",
		updates: [
			rawUpdate([
				section([{ content: text }]),
				{ client: 99, clock: 0, structs: [{ content: text, origin: { client, clock: 0 } }] },
			]),
		],
	},
	{
		name: "an item that is its own neighbour",
		updates: [one({ content: text, origin: { client, clock: 0 } })],
	},
	{
		name: "an item that is in itself",
		updates: [one({ content: content.type(0), parent: { client, clock: 0 } })],
	},
	{
		name: "two types that are in each other",
		updates: [
			rawUpdate([
				{ client: 9, clock: 0, structs: [{ content: content.type(0), parent: { client, clock: 0 } }] },
				{ client, clock: 0, structs: [{ content: content.type(0), parent: { client: 9, clock: 0 } }] },
			]),
		],
	},
	{
		name: "neighbours in the wrong order",
		updates: [
			rawUpdate([
				section([
					{ content: text },
					{ content: text, origin: { client, clock: 0 } },
					{ content: text, origin: { client, clock: 1 }, rightOrigin: { client, clock: 0 } },
				]),
			]),
		],
	},
	{
		name: "neighbours in different roots",
		updates: [
			rawUpdate([
				section([
					{ content: text, parent: "a" },
					{ content: text, parent: "b" },
					{ content: text, origin: { client, clock: 0 }, rightOrigin: { client, clock: 1 } },
				]),
			]),
		],
	},
	{
		name: "something within text",
		updates: [rawUpdate([section([{ content: text }, { content: text, parent: { client, clock: 0 } }])])],
	},
	{
		name: "something within what was collected",
		updates: [
			rawUpdate([section([{ content: content.gc(1) }, { content: text, parent: { client, clock: 0 } }])]),
		],
	},
	{
		name: "something next to what was collected",
		updates: [
			rawUpdate([
				section([
					{ content: content.gc(3) },
					{ content: text, origin: { client, clock: 1 } },
					{ content: text, rightOrigin: { client, clock: 3 } },
				]),
			]),
		],
	},
	{
		name: "the same client id for different text",
		updates: [one({ content: content.string("one") }), one({ content: content.string("another") })],
	},
	{
		name: "the same client id, longer",
		updates: [
			one({ content: content.string("one") }),
			one({ content: content.string("no") }),
			one({ content: text }, 3),
			one({ content: content.any(1, 2, 3, 4, 5) }),
		],
	},
	{ name: "another update than V1", updates: [asV2((document) => document.getText("text").insert(0, "V2"))] },
	{
		name: "a larger one in another format",
		updates: [
			asV2((document) => {
				for (let at = 0; at < 100; at += 1) document.getMap("map").set(`key ${at}`, new Y.Text("V2"));
			}),
		],
	},
	{
		name: "a deletion of what nobody knows",
		updates: [
			deletions(
				[
					[0, 5],
					[3, 9],
					[100, 1],
				],
				12_345,
			),
		],
	},
	{
		name: "deletions of nothing",
		updates: [
			deletions([
				[0, 0],
				[5, 0],
			]),
		],
	},
	{
		name: "deletions that overlap, backwards",
		updates: [
			one({ content: content.string("0123456789") }),
			deletions([
				[7, 2],
				[5, 9],
				[0, 3],
				[2, 6],
			]),
		],
	},
	{
		name: "twenty thousand deletions",
		updates: [deletions(Array.from({ length: 20_000 }, (_, at) => [at * 2, 1]))],
	},
	{
		name: "pieces that wait for each other for ever",
		updates: Array.from({ length: 500 }, (_, at) => one({ content: text }, at * 2 + 1)),
	},
	{
		name: "pieces of many that wait for ever",
		updates: Array.from({ length: 500 }, (_, at) =>
			one({ content: text, origin: { client: at, clock: 5 } }, 1, at + 100),
		),
	},
];

const values: readonly HostileCase[] = [
	...Array.from({ length: 22 }, (_, ref) => ({
		name: `content of kind ${ref + 10}`,
		updates: [one({ content: content.unknown(ref + 10, new Uint8Array([1, 1, 120])) })],
	})),
	...Array.from({ length: 10 }, (_, type) => ({
		name: `a type of kind ${type}`,
		updates: [
			one({ content: content.type(type, "name") }),
			one({ content: text, parent: { client, clock: 0 } }, 1),
		],
	})),
	...[
		Number.NaN,
		Number.POSITIVE_INFINITY,
		-0,
		undefined,
		null,
		2n ** 63n - 1n,
		-(2n ** 63n),
		new Uint8Array(3),
		[],
		{},
		"\ud800",
		2 ** 53,
	].map((value) => ({
		name: `the value ${typeof value === "bigint" ? `${value}n` : Object.is(value, -0) ? "-0" : (JSON.stringify(value) ?? String(value))} of type ${typeof value}, ${String(value).length}`,
		updates: [
			one({ content: content.any(value) }),
			one({ content: content.any(value), parent: "map", key: "key" }, 1),
		],
	})),
	...["undefined", "null", "NaN", '{"__proto__":{"polluted":true}}', "[[[[", '"\\ud800"', ""].map((json) => ({
		name: `the JSON ${json}`,
		updates: [
			one({ content: content.json(json) }),
			one({ content: content.embed(json) }),
			one({ content: content.format("bold", json) }),
		],
	})),
	{ name: "values of an unknown kind", updates: [one({ content: content.rawAny(1, new Uint8Array([5])) })] },
	{
		name: "values within values, 5,000 deep",
		updates: [one({ content: content.rawAny(1, deepValue(5_000)) })],
	},
	{
		name: "values within values, 200,000 deep",
		updates: [one({ content: content.rawAny(1, deepValue(200_000)) })],
	},
	{
		name: "JSON within JSON, 100,000 deep",
		updates: [one({ content: content.json("[".repeat(100_000) + "]".repeat(100_000)) })],
	},
	{
		name: "an embed within an embed, 5,000 deep",
		updates: [one({ content: content.embed("[".repeat(5_000) + "]".repeat(5_000)) })],
	},
	{
		name: "text that is no UTF-8",
		updates: [one({ content: content.string(new Uint8Array([0xff, 0xfe, 0x80])) })],
	},
	{
		name: "half a character",
		updates: [
			one({ content: content.string(new Uint8Array([0xed, 0xa0, 0x80])) }),
			one({ content: content.string("🙂") }, 3),
			deletions([[4, 1]]),
		],
	},
	{
		name: "a cut through a character",
		updates: [
			one({ content: content.string("🙂🙂") }),
			one({ content: text, origin: { client, clock: 0 }, rightOrigin: { client, clock: 1 } }, 4),
		],
	},
	{
		name: "formats without end",
		updates: [
			rawUpdate([
				section(
					Array.from({ length: 2_000 }, (_, clock) => ({
						content: content.format(`f${clock}`, "true"),
						...(clock > 0 && { origin: { client, clock: clock - 1 } }),
					})),
				),
			]),
		],
	},
	{
		name: "a format of a list",
		updates: [
			rawUpdate([
				section([
					{ content: content.format("bold", "true"), parent: "array" },
					{ content: content.type(0), parent: "array" },
				]),
			]),
		],
	},
	...["guid", "", "__proto__"].map((guid) => ({
		name: `a document within the document: ${guid}`,
		updates: [one({ content: content.document(guid, {}) }), deletions([[0, 1]])],
	})),
	...[
		null,
		undefined,
		5,
		"x",
		[],
		{ gc: false, autoLoad: true, shouldLoad: true, meta: { __proto__: null } },
		{ gcFilter: 5, collectionid: {}, guid: 5 },
		{ clientID: 5, share: 1, store: 2, on: 3, emit: 4, _item: 5 },
	].map((options, at) => ({
		name: `a document within the document, options ${at}`,
		updates: [one({ content: content.document("guid", options) }), deletions([[0, 1]])],
	})),
	{
		name: "a thousand documents within the document",
		updates: [
			rawUpdate([
				section(
					Array.from({ length: 1_000 }, (_, at) => ({
						content: content.document(`${at}`, { autoLoad: true }),
					})),
				),
			]),
		],
	},
];

const names: readonly HostileCase[] = proto.flatMap((key) => [
	{ name: `a root called ${JSON.stringify(key)}`, updates: [one({ content: text, parent: key })] },
	{
		name: `a key called ${JSON.stringify(key)}`,
		updates: [
			one({ content: content.any({ a: 1 }), parent: "map", key }),
			one({ content: content.type(1), parent: "map", key }, 1),
		],
	},
	{
		name: `an attribute and a format called ${JSON.stringify(key)}`,
		updates: [
			one({ content: content.type(3, key), parent: "xml" }),
			one({ content: content.any("v"), parent: { client, clock: 0 }, key }, 1),
			one({ content: content.format(key, "true") }, 2),
		],
	},
	{
		name: `a property called ${JSON.stringify(key)}`,
		updates: [one({ content: content.any(Object.fromEntries([[key, { polluted: true }]])) })],
	},
]);

const roots: readonly HostileCase[] = [
	{
		name: "what is text, as a map and a list of elements",
		updates: [
			one({ content: content.any(1), key: "key" }),
			one({ content: content.type(3, "p") }, 1),
			one({ content: content.type(1) }, 2),
			one({ content: content.document("guid", {}) }, 3),
		],
	},
	{
		name: "two thousand roots",
		updates: [
			rawUpdate([
				section(Array.from({ length: 2_000 }, (_, at) => ({ content: text, parent: `root ${at}` }))),
			]),
		],
	},
	{
		name: "a thousand clients",
		updates: [
			rawUpdate(
				Array.from({ length: 1_000 }, (_, at) => ({
					client: 5_000 - at,
					clock: 0,
					structs: [{ content: text }],
				})),
			),
		],
	},
];

/** @param depth Of types within types. */
export function deepCases(depth: number): readonly HostileCase[] {
	return [
		{ name: `lists ${depth} deep`, updates: [nested(0, depth)] },
		{ name: `elements ${depth} deep, deleted`, updates: [nested(3, depth, "p"), deletions([[0, 1]])] },
		{ name: `lists ${depth} deep, deleted`, updates: [nested(0, depth), deletions([[0, 1]])] },
		{ name: `lists ${depth} deep, deleted from below`, updates: [nested(0, depth), deletions([[0, depth]])] },
		{ name: `lists ${depth} deep, with something in each`, updates: [nested(0, depth), inEach(depth)] },
	];
}

export const hostileCases: readonly HostileCase[] = [
	...clocks,
	...shapes,
	...values,
	...names,
	...roots,
	...deepCases(10_000),
];
