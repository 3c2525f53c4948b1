import { describe, expect, test } from "vitest";
import {
	documentKinds,
	documentNameOf,
	documentPath,
	kindOf,
	newDocumentName,
} from "../../demo-editor/src/document-name.ts";
import { timeAgo } from "../../demo-editor/src/shell/time-ago.ts";
import { webAddress } from "../../demo-editor/src/text/web-address.ts";

describe("the demo's links", () => {
	test("a link alone says which document it is and which editor opens it", () => {
		for (const kind of documentKinds) {
			const name = newDocumentName(kind, crypto.getRandomValues(new Uint8Array(16)));
			expect(documentNameOf(documentPath(name))).toBe(name);
			expect(kindOf(name)).toBe(kind);
		}
	});

	test("names from elsewhere survive a link, and open as text", () => {
		const name = "notes/2026 ärger & co?";
		expect(documentNameOf(documentPath(name))).toBe(name);
		expect(kindOf(name)).toBe("text");
	});

	test("a path that is no document's is none", () => {
		for (const path of ["/", "/d/", "/d/a/b", "/d/%E0%A4%A", "/x/text-a"]) {
			expect(documentNameOf(path), path).toBeUndefined();
		}
	});

	test("addresses are completed, and none that could run code is taken", () => {
		expect(webAddress("example.org/a b")).toBeUndefined();
		expect(webAddress(" example.org/a ")).toBe("https://example.org/a");
		expect(webAddress("localhost:8080/x")).toBe("https://localhost:8080/x");
		expect(webAddress("mailto:a@example.org")).toBe("mailto:a@example.org");
		for (const typed of ["javascript:alert(1)", "data:text/html,x", "", "https://"]) {
			expect(webAddress(typed), typed).toBeUndefined();
		}
	});

	test("times are told as people do", () => {
		expect(timeAgo(0, 59_999)).toBe("just now");
		expect(timeAgo(0, 60_000)).toBe("1 minute ago");
		expect(timeAgo(0, 5 * 3_600_000)).toBe("5 hours ago");
		expect(timeAgo(0, 86_400_000)).toBe("yesterday");
	});
});
