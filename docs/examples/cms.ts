/** Stands for your own database in the examples. */
interface Article {
	readonly title: string;
	/** What `editor.getJSON()` gave. */
	readonly json: object;
	readonly html: string;
	readonly source: string;
	/** What `Y.encodeStateAsUpdate` gave when it was last saved. */
	readonly update: Uint8Array;
}

export const cms = {
	async article(documentName: string): Promise<Article | undefined> {
		if (documentName !== "welcome") return undefined;
		return {
			title: "Welcome",
			json: { type: "doc", content: [{ type: "paragraph", content: [{ type: "text", text: "Welcome." }] }] },
			html: "<p>Welcome.</p>",
			source: "Welcome.",
			update: Buffer.from("AQMHAAcBB2RlZmF1bHQDCXBhcmFncmFwaAcABwAGBAAHAQhXZWxjb21lLgA=", "base64"),
		};
	},
};
