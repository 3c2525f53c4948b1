/** A worker that answers attentively, for the tests of how it is asked. It is impatient, so that it goes back to its event loop all the time. */
import { serveAttentively } from "../../extensions/durability/storage/attentive-port.ts";
import { StoreUnavailableError } from "../../extensions/durability/store.ts";

interface Counted {
	readonly before: number;
	readonly text: string;
}

export interface AttentiveProtocol {
	/** Answers how many questions were answered before, and the text; to "?" the number alone, which goes back through the slot. */
	brief: { ask: Uint8Array; answer: Counted | number };
	long: { ask: string; answer: Counted };
	refuse: { ask: undefined; answer: undefined };
	/** Ends the thread. */
	die: { ask: undefined; answer: undefined };
	close: { ask: undefined; answer: undefined };
}

serveAttentively<AttentiveProtocol, undefined>({
	answers: () => {
		let answered = 0;
		const count = (text: string) => {
			answered += 1;
			return { before: answered - 1, text };
		};
		return {
			brief: (bytes) => {
				const counted = count(Buffer.from(bytes).toString());
				return counted.text === "?" ? counted.before : counted;
			},
			long: count,
			refuse: () => {
				throw new StoreUnavailableError("refused", { code: "TEST" });
			},
			die: () => process.exit(3),
			close: () => undefined,
		};
	},
	briefKind: "brief",
	errorCode: () => undefined,
	patienceMs: 0.05,
});
