/** What a seed hook returned can't become a document exactly as it is. The message says what and where. */
export class SeedContentError extends Error {
	override readonly name = "SeedContentError";
}
