/** What SQLite's result codes mean for a store. Codes are those of sqlite.org/rescode.html. */

const primaryNames: Readonly<Record<number, string>> = {
	1: "SQLITE_ERROR",
	2: "SQLITE_INTERNAL",
	3: "SQLITE_PERM",
	4: "SQLITE_ABORT",
	5: "SQLITE_BUSY",
	6: "SQLITE_LOCKED",
	7: "SQLITE_NOMEM",
	8: "SQLITE_READONLY",
	9: "SQLITE_INTERRUPT",
	10: "SQLITE_IOERR",
	11: "SQLITE_CORRUPT",
	12: "SQLITE_NOTFOUND",
	13: "SQLITE_FULL",
	14: "SQLITE_CANTOPEN",
	15: "SQLITE_PROTOCOL",
	17: "SQLITE_SCHEMA",
	18: "SQLITE_TOOBIG",
	19: "SQLITE_CONSTRAINT",
	20: "SQLITE_MISMATCH",
	21: "SQLITE_MISUSE",
	22: "SQLITE_NOLFS",
	25: "SQLITE_RANGE",
	26: "SQLITE_NOTADB",
};

const extendedNames: Readonly<Record<number, string>> = {
	266: "SQLITE_IOERR_READ",
	522: "SQLITE_IOERR_SHORT_READ",
	778: "SQLITE_IOERR_WRITE",
	1034: "SQLITE_IOERR_FSYNC",
	1290: "SQLITE_IOERR_DIR_FSYNC",
	1546: "SQLITE_IOERR_TRUNCATE",
	1802: "SQLITE_IOERR_FSTAT",
	3082: "SQLITE_IOERR_NOMEM",
	3338: "SQLITE_IOERR_ACCESS",
	3850: "SQLITE_IOERR_LOCK",
	4618: "SQLITE_IOERR_SHMOPEN",
	4874: "SQLITE_IOERR_SHMSIZE",
	5386: "SQLITE_IOERR_SHMMAP",
	8202: "SQLITE_IOERR_DATA",
	8458: "SQLITE_IOERR_CORRUPTFS",
};

const ioReadCodes: ReadonlySet<number> = new Set([266, 522, 8202, 8458]);
const [nomem, readonly, interrupt, ioerr, corrupt, full, cantopen, notadb] = [7, 8, 9, 10, 11, 13, 14, 26];
const [generic, busy, locked] = [1, 5, 6];

/** SQLite's extended result code, or `undefined` when the error is not SQLite's. */
function resultCode(error: unknown): number | undefined {
	if (!(error instanceof Error) || !("errcode" in error)) return undefined;
	return typeof error.errcode === "number" ? error.errcode : undefined;
}

/** The code's name: `SQLITE_FULL`, `SQLITE_IOERR_FSYNC`; Node's own code for an error that is not SQLite's. */
export function errorCode(error: unknown): string | undefined {
	const code = resultCode(error);
	if (code !== undefined) {
		return extendedNames[code] ?? primaryNames[code & 0xff] ?? `SQLITE_${code}`;
	}
	if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
	return undefined;
}

function primaryOf(error: unknown): number | undefined {
	const code = resultCode(error);
	return code === undefined ? undefined : code & 0xff;
}

/**
 * Whether what was to be read is there but can't be trusted: a corrupt page, one that the disk
 * can't give, or a number beyond any that is ever written (Node's `ERR_OUT_OF_RANGE`).
 */
export function isDamage(error: unknown): boolean {
	const primary = primaryOf(error);
	if (primary === undefined) return errorCode(error) === "ERR_OUT_OF_RANGE";
	return primary === corrupt || primary === notadb || ioReadCodes.has(resultCode(error) ?? 0);
}

/** How damage that SQLite found is put to the operator. */
export function sqliteSays(error: unknown): string {
	return `SQLite says: ${error instanceof Error ? error.message : String(error)}`;
}

/** Whether the file itself is the problem, at open. An unknown file format or a garbled schema is a mere SQLITE_ERROR. */
export function isNoDatabase(error: unknown): boolean {
	const primary = primaryOf(error);
	return primary === corrupt || primary === notadb || primary === generic;
}

export function isBusy(error: unknown): boolean {
	const primary = primaryOf(error);
	return primary === busy || primary === locked;
}

/** Whether it can't be opened or written for want of rights. */
export function isForbidden(error: unknown): boolean {
	const primary = primaryOf(error);
	return primary === readonly || primary === cantopen;
}

/**
 * Whether an error inside a savepoint, other than damage, concerns only what ran in it. After the others SQLite may have rolled back the
 * whole transaction, or the next statement would meet the same.
 */
export function isConfinedToStatement(error: unknown): boolean {
	const primary = primaryOf(error);
	if (primary === undefined) return true;
	return ![nomem, readonly, interrupt, ioerr, full, cantopen, busy, locked].includes(primary);
}

/** After these the connection is as good as before, once rolled back; after any other it is opened anew. */
export function leavesConnectionSound(error: unknown): boolean {
	const primary = primaryOf(error);
	return primary === full || primary === busy;
}
