import * as encoding from "lib0/encoding";
import { writeTogether } from "./crowd-script.ts";
import type { Replay } from "./editing-trace.ts";
import { clientIdOf, type Run, readRunsOfEdits, readRunsOfPresence, remember } from "./runs.ts";
import { type Dialect, presenceFrame, updateFrame } from "./wire-client.ts";

/** What many people say in one document, encoded before anything is measured. */
export interface Play {
	readonly kind: "edits" | "presence";
	/** What each of them says, as messages to the server. */
	readonly parts: readonly (readonly Uint8Array[])[];
	/**
	 * The author's clock after each message: Yjs' own, or that of presence. A message that leaves it as it was cannot be told from
	 * the one before, and is not looked for.
	 */
	readonly clocks: readonly (readonly number[])[];
	/** Whose turn it is; one after the other without it. */
	readonly order?: readonly number[];
	readonly isAcknowledged: boolean;
	/** @param update Of Yjs, or of presence. @returns What of it is whose. */
	read(update: Uint8Array): readonly Run[];
}

interface Cast {
	readonly documentName: string;
	readonly dialect: Dialect;
	readonly people: number;
	/** What each of them says. */
	readonly count: number;
}

/** All type, each in a place of their own. */
export function typing({ documentName, dialect, people, count }: Cast, contents: Uint8Array): Play {
	const scripts = writeTogether(contents, people, count);
	return {
		kind: "edits",
		parts: scripts.map((script) => script.map((update) => updateFrame(documentName, update, dialect))),
		clocks: scripts.map((script) => script.map((_, n) => n + 1)),
		isAcknowledged: true,
		read: remember(readRunsOfEdits),
	};
}

/** What people have really typed. */
export function replaying(
	{ documentName, dialect }: Pick<Cast, "documentName" | "dialect">,
	{ edits, authors }: Replay,
): Play {
	const ofEach = Array.from({ length: authors }, (_, author) =>
		edits.filter((edit) => edit.author === author),
	);
	return {
		kind: "edits",
		parts: ofEach.map((part) => part.map(({ update }) => updateFrame(documentName, update, dialect))),
		clocks: ofEach.map((part) => part.map(({ clock }) => clock)),
		order: edits.map(({ author }) => author),
		isAcknowledged: true,
		read: remember(readRunsOfEdits),
	};
}

/** All move their cursors. */
export function pointing({ documentName, dialect, people, count }: Cast): Play {
	const part = (author: number) =>
		Array.from({ length: count }, (_, n) =>
			presenceFrame(documentName, presenceUpdate(author, n + 1), dialect),
		);
	const parts = Array.from({ length: people }, (_, author) => part(author));
	return {
		kind: "presence",
		parts,
		clocks: parts.map((messages) => messages.map((_, n) => n + 1)),
		isAcknowledged: false,
		read: remember(readRunsOfPresence),
	};
}

/** As editors have it: a name, a colour, and a selection as two relative positions. */
function presenceUpdate(author: number, clock: number): Uint8Array {
	const position = (back: number) => ({
		type: null,
		tname: "text",
		item: { client: clientIdOf(author), clock: Math.max(0, clock - back) },
		assoc: 0,
	});
	const state = {
		user: { name: `Person ${author}`, color: `#${(0x10_00_00 + author * 997).toString(16)}` },
		cursor: { anchor: position(0), head: position(3) },
		seen: clock,
	};
	return encoding.encode((encoder) => {
		encoding.writeVarUint(encoder, 1);
		encoding.writeVarUint(encoder, clientIdOf(author));
		encoding.writeVarUint(encoder, clock);
		encoding.writeVarString(encoder, JSON.stringify(state));
	});
}
