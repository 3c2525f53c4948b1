import { StoreUnavailableError } from "../store.ts";

/** What PostgreSQL's error codes (SQLSTATE, appendix A of its manual) and the driver's mean for a store. */

const damageCodes: ReadonlySet<string> = new Set(["XX001", "XX002"]);
/** Violations that our statements provoke when a document's rows are not as they must be; see `statements.ts`. */
const inconsistencyCodes: ReadonlySet<string> = new Set(["23502", "23505"]);
/** Invalid password, no such role or not let in, no such database, no right to connect to it. */
const refusalCodes: ReadonlySet<string> = new Set(["28P01", "28000", "3D000", "42501"]);

export const code = {
	insufficientPrivilege: "42501",
	undefinedTable: "42P01",
	duplicateTable: "42P07",
	divisionByZero: "22012",
} as const;

/** SQLSTATE, Node's own code (`ECONNREFUSED`), or nothing. */
export function errorCode(error: unknown): string | undefined {
	if (!(error instanceof Error)) return undefined;
	if ("code" in error && typeof error.code === "string") return error.code;
	return undefined;
}

/** What the error says, for the operator, in one line, with its code. */
export function describe(error: unknown): string {
	// A host with several addresses fails once for each, and the whole says nothing.
	const texts = error instanceof AggregateError ? error.errors.map(messageOf) : [messageOf(error)];
	const text = texts.join("; ");
	const name = errorCode(error);
	return name === undefined || text.includes(name) ? text : `${text} (${name})`;
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}

/** Whether what was to be read is there but does not make sense to the server. */
export function isDamage(error: unknown): boolean {
	return damageCodes.has(errorCode(error) ?? "");
}

/** Whether an append failed for one of its documents, and would do for the others without it. */
export function isConfinedToDocument(error: unknown): boolean {
	return isDamage(error) || inconsistencyCodes.has(errorCode(error) ?? "");
}

/** Of an attempt to connect: whether the server does not let this user into this database. */
export function isRefusal(error: unknown): boolean {
	const name = errorCode(error);
	// The driver's own complaints about a missing or a strange password, and about TLS, have no code.
	return name === undefined ? /^SASL|SSL/.test(describe(error)) : refusalCodes.has(name);
}

/** @param place As {@link StoreUnavailableError}'s message names it. */
export function unavailable(place: string, error: unknown): StoreUnavailableError {
	if (error instanceof StoreUnavailableError) return error;
	const name = errorCode(error);
	return new StoreUnavailableError(`Postgres at ${place}: ${describe(error)}`, {
		cause: error,
		...(name !== undefined && { code: name }),
	});
}

/** How damage that the server found is put to the operator. */
export function postgresSays(error: unknown): string {
	return `Postgres says: ${describe(error)}`;
}
