import type * as Y from "yjs";

/**
 * Content for a document that was never stored.
 *
 * - A description, made by {@link seedText}, {@link seedTiptapJson} or {@link seedHtml}, or several for several fields.
 * - A `Y.Doc`: its content is copied under ids that depend on nothing else, so it may have been made anew just now.
 * - A `Uint8Array`: a Yjs update (V1) that you stored before. It keeps its ids, so never one that was made just now.
 */
export type SeedContent = Y.Doc | Uint8Array | SeedField | readonly SeedField[];

/**
 * Called when a document is opened that was never stored. What it returns becomes the document's first log entry,
 * durable before anybody sees it; `undefined` or `null` leaves the document empty, to be asked for again. When it
 * throws, the document does not open, and the next who opens it calls it again.
 * @param context What the embedder's hooks, such as `onAuthenticate`, put into the Hocuspocus context.
 */
export type Seed = (
	documentName: string,
	context: unknown,
) => SeedContent | undefined | null | Promise<SeedContent | undefined | null>;

/** What goes into one root type of the document. */
export type SeedField =
	| { readonly kind: "text"; readonly field: string; readonly text: string }
	| {
			readonly kind: "tiptap-json";
			readonly field: string;
			readonly json: unknown;
			readonly schema: SchemaSource;
	  }
	| {
			readonly kind: "html";
			readonly field: string;
			readonly html: string;
			readonly extensions: TiptapExtensions;
	  };

/** How to read an editor's content: its TipTap extensions, its ProseMirror schema, or neither. */
export interface SchemaSource {
	readonly extensions?: TiptapExtensions | undefined;
	readonly schema?: ProsemirrorSchema | undefined;
}

/** `Extensions` of `@tiptap/core`, which need not be installed. */
export type TiptapExtensions = readonly object[];

/** `Schema` of `prosemirror-model`, which need not be installed. */
export interface ProsemirrorSchema {
	readonly nodes: object;
	readonly marks: object;
}

/** Name of the root type that TipTap's collaboration extension uses unless told otherwise. */
const defaultField = "default";

/** Plain text in a root `Y.Text`, such as a CodeMirror or Monaco editor binds to. */
export function seedText(
	text: string,
	{ field = defaultField }: { readonly field?: string } = {},
): SeedField {
	return { kind: "text", field, text };
}

/**
 * What `editor.getJSON()` gives, in a root `Y.XmlFragment` as TipTap's collaboration extension keeps it.
 *
 * With `extensions` or `schema` the content is checked and missing attributes get their defaults; needs
 * `@tiptap/y-tiptap`, and `@tiptap/core` for `extensions`. Without either it is taken as it is.
 */
export function seedTiptapJson(
	json: unknown,
	{ field = defaultField, ...schema }: { readonly field?: string } & SchemaSource = {},
): SeedField {
	return { kind: "tiptap-json", field, json, schema };
}

/** HTML, read as an editor with these extensions reads it. Needs `@tiptap/html`, `@tiptap/core`, `@tiptap/y-tiptap`. */
export function seedHtml(
	html: string,
	{ field = defaultField, extensions }: { readonly field?: string; readonly extensions: TiptapExtensions },
): SeedField {
	return { kind: "html", field, html, extensions };
}
