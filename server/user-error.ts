/** Something that the person at the keyboard has to change. The message says what, in a line or a few. */
export class UserError extends Error {
	override readonly name = "UserError";
}

/** What to tell when a file that was asked for can't be made. */
export function unwritable(path: string, cause: unknown): UserError {
	return new UserError(`${path} can't be written: ${(cause as Error).message}`, { cause });
}
