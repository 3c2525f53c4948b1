import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { expect, test } from "vitest";
import { Awareness, applyAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import { type ConsoleLevel, ConsoleLines } from "../../server/console-lines.ts";

function printed(level: ConsoleLevel, ...values: readonly unknown[]) {
	return new ConsoleLines(0).take(level, values, 0);
}

function thrownBy(run: () => void): unknown {
	try {
		run();
	} catch (error) {
		return error;
	}
	throw new Error("nothing was thrown");
}

const notJson = thrownBy(() => {
	const update = encoding.encode((encoder) => {
		for (const number of [1, 77, 1]) encoding.writeVarUint(encoder, number);
		encoding.writeVarString(encoder, '{"user": Ada Lovelace}');
	});
	applyAwarenessUpdate(new Awareness(new Y.Doc()), update, "a client");
});
const unreadable = thrownBy(() => decoding.readVarUint(decoding.createDecoder(Uint8Array.of(200))));

test("what hooks print is there as they print it", () => {
	expect(printed("info", "opened %d", 7, { by: "Ann" })).toEqual({
		level: "info",
		text: "opened 7 { by: 'Ann' }",
	});
	expect(printed("error", "[onLoadDocument]", "the database is away")).toEqual({
		level: "error",
		text: "[onLoadDocument] the database is away",
	});
	expect(printed("warn", new Error("of a hook"))?.text).toContain("Error: of a hook");
	const ownJson = thrownBy(() => JSON.parse("[settings"));
	expect(printed("error", "my settings:", ownJson)?.level).toBe("error");
});

test("somebody whom a hook refuses is no error: nobody is woken for a wrong token", () => {
	for (const hook of ["[onAuthenticate]", "[onConnect]"])
		expect(printed("error", hook, "who are you?")).toEqual({ level: "warn", text: `${hook} who are you?` });
	expect(printed("error", "[onChange]", "who are you?")?.level).toBe("error");
});

test("[TRN5] complaints about what a client has sent are for debugging", () => {
	const complaints = [
		["Received an authentication message on a connection that is already fully authenticated. Probably …"],
		["Unable to handle message of type 9: no handler defined! …"],
		['Hocuspocus: closing connection x: too many pending … Last requested document: "plans".'],
		["closing connection x (while handling plans) because of exception", unreadable],
		["closing connection x (while handling plans) because of exception", notJson],
		[unreadable],
	];
	for (const complaint of complaints) {
		const line = printed("error", ...complaint);
		expect(line?.level).toBe("debug");
		// What could not be read may be anything.
		expect(line?.text).not.toContain("Ada");
	}
	expect(printed("error", "closing connection", notJson)?.text).toMatch(
		/^closing connection SyntaxError\n\s+at JSON.parse/,
	);
});

test.for(["plans", "a) because of exception", "many\nlines (while handling b"])(
	"when a hook closes a connection, its line does not name the document %j",
	(name) => {
		const error = new Error("not allowed");
		const text = `closing connection x (while handling ${name}) because of exception`;
		const line = printed("error", text, error);
		expect(line?.level).toBe("error");
		expect(line?.text).toMatch(/^closing connection x because of exception Error: not allowed\n/);
	},
);

test("of warnings and errors, some get through when there is no end of them, and say how many did not; what is printed otherwise is all there", () => {
	const lines = new ConsoleLines(0);
	const errors = Array.from({ length: 500 }, () => lines.take("error", ["again"], 0));
	expect(errors.filter((line) => line !== undefined)).toHaveLength(50);
	expect(lines.take("warn", ["again"], 1_000)).toEqual({ level: "warn", text: "again", sinceLastLine: 450 });
	const infos = Array.from({ length: 500 }, () => lines.take("info", ["fine"], 1_000));
	expect(infos.every((line) => line !== undefined)).toBe(true);
});
