import { SeedContentError } from "./seed-content-error.ts";

/** A value as Yjs keeps it in arrays, maps and attributes. Keys of objects are sorted. */
export type PlainValue =
	| undefined
	| null
	| boolean
	| number
	| bigint
	| string
	| Uint8Array
	| readonly PlainValue[]
	| { readonly [key: string]: PlainValue };

/** More is a structure that contains itself, or one that no editor can open. */
const depthMax = 500;

const bigintMin = -(2n ** 63n);
const bigintMax = 2n ** 63n - 1n;

/**
 * Brings a value into the one form that does not depend on how it was made.
 * @param where Names the value in errors.
 * @throws {SeedContentError} when Yjs would store something else than what was given.
 */
export function plainValue(value: unknown, where: string, depth = 0): PlainValue {
	if (depth > depthMax) throw new SeedContentError(`${where} is nested too deeply, or contains itself`);
	switch (typeof value) {
		case "undefined":
		case "boolean":
		case "number":
			return value;
		case "string":
			return wellFormed(value, where);
		case "bigint":
			if (value >= bigintMin && value <= bigintMax) return value;
			throw new SeedContentError(`${where} is a bigint of more than 64 bits, which Yjs can't keep`);
		case "object":
			return value === null ? null : plainObject(value, where, depth);
		default:
			throw new SeedContentError(`${where} is a ${typeof value}, which Yjs can't keep`);
	}
}

/**
 * The same for formats and embeds, which Yjs sends as JSON. A property that is undefined is not there, as in JSON.
 * @throws {SeedContentError} when JSON can't carry it.
 */
export function jsonValue(value: unknown, where: string): PlainValue {
	return checkedJson(plainValue(value, where), where);
}

/** @throws {SeedContentError} when UTF-8 can't carry the string: Yjs would replace what it can't encode. */
export function wellFormed(text: string, where: string): string {
	if (text.isWellFormed()) return text;
	throw new SeedContentError(`${where} holds half of a surrogate pair, which is not a character`);
}

function plainObject(value: object, where: string, depth: number): PlainValue {
	if (Array.isArray(value)) {
		return Array.from(value, (item, index) => plainValue(item, `${where}[${index}]`, depth + 1));
	}
	// Not a Buffer or another kind of view: Yjs looks at the constructor.
	if (value instanceof Uint8Array) return new Uint8Array(value);
	if (value instanceof ArrayBuffer) return new Uint8Array(value.slice(0));
	const prototype: unknown = Object.getPrototypeOf(value);
	// An object of another realm has another Object.prototype; it ends the chain there too.
	if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
		throw new SeedContentError(`${where} is a ${constructorName(value)}, which Yjs can't keep`);
	}
	return sortedRecord(
		Object.entries(value).map(([key, property]) => {
			const name = `${where}.${key}`;
			return [wellFormed(key, name), plainValue(property, name, depth + 1)];
		}),
	);
}

function constructorName(value: object): string {
	return value.constructor?.name || "class instance";
}

/** An object whose keys are in the one order that does not depend on who set them first. */
export function sortedRecord<Value>(
	entries: readonly (readonly [key: string, value: Value])[],
): Readonly<Record<string, Value>> {
	return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

function checkedJson(value: PlainValue, where: string): PlainValue {
	if (value === null || typeof value === "boolean" || typeof value === "string") return value;
	if (typeof value === "number" && Number.isFinite(value)) return value === 0 ? 0 : value;
	if (Array.isArray(value)) return value.map((item, index) => checkedJson(item, `${where}[${index}]`));
	if (typeof value === "object" && !(value instanceof Uint8Array)) {
		return Object.fromEntries(
			Object.entries(value)
				.filter(([, property]) => property !== undefined)
				.map(([key, property]) => [key, checkedJson(property, `${where}.${key}`)]),
		);
	}
	const kind =
		typeof value === "object" ? "binary" : typeof value === "number" ? String(value) : typeof value;
	throw new SeedContentError(
		`${where} is ${kind}, which can't be kept in a format or an embed: they are JSON`,
	);
}
