/** Takes server-sent events apart (HTML, section 9.2.6), as far as our server writes them: one `data` line each. Pure. */
export class EventStreamReader {
	#rest = "";

	/** @returns The data of the events that are complete with this text. */
	take(text: string): string[] {
		const parts = (this.#rest + text).split("\n\n");
		this.#rest = parts.pop() ?? "";
		return parts.flatMap((event) =>
			event
				.split("\n")
				.filter((line) => line.startsWith("data:"))
				.map((line) => line.slice(line.startsWith("data: ") ? 6 : 5)),
		);
	}
}
