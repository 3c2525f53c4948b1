/** Something that the person at the keyboard has to change. The message says what, in a line or a few. */
export class UserError extends Error {
	override readonly name = "UserError";
}
