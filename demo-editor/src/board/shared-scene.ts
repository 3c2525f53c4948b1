import type { OrderedExcalidrawElement } from "@excalidraw/excalidraw/element/types";
import type { BinaryFileData } from "@excalidraw/excalidraw/types";
import type * as Y from "yjs";

export type SceneElement = OrderedExcalidrawElement;

/**
 * A whiteboard in a Yjs document: each element under its id, so that what two people draw at the same time is all there
 * after a merge. Only of an element that two people change at the same time one version stays. A deleted element is a
 * deleted key; if somebody changes it at that moment, it stays.
 */
export class SharedScene {
	readonly elements: Y.Map<SceneElement>;
	/** Images, by Excalidraw's file id; never changed, never deleted. */
	readonly files: Y.Map<BinaryFileData>;
	readonly #document: Y.Doc;
	/** Which version of each element is in the document. */
	readonly #versions = new Map<string, string>();

	constructor(document: Y.Doc) {
		this.#document = document;
		this.elements = document.getMap("elements");
		this.files = document.getMap("files");
		for (const id of this.elements.keys()) this.noteVersion(id);
	}

	/** In drawing order. Copies: Excalidraw changes its elements in place, and Yjs' must not change. */
	all(): SceneElement[] {
		return inOrder([...this.elements.values()].filter(isElement).map((element) => structuredClone(element)));
	}

	get(id: string): SceneElement | undefined {
		const element = this.elements.get(id);
		return isElement(element) ? structuredClone(element) : undefined;
	}

	/** To be called for every element that others have changed. */
	noteVersion(id: string): void {
		const element = this.elements.get(id);
		if (isElement(element)) this.#versions.set(id, versionOf(element));
		else this.#versions.delete(id);
	}

	/** Whether an element is as it is in the document. */
	isWritten(element: SceneElement): boolean {
		const written = this.#versions.get(element.id);
		return element.isDeleted ? written === undefined : written === versionOf(element);
	}

	/** Writes what is new, in one transaction. */
	write(elements: readonly SceneElement[], origin: unknown): void {
		const changed = elements.filter((element) => !this.isWritten(element));
		if (changed.length === 0) return;
		this.#document.transact(() => {
			for (const element of changed) {
				if (element.isDeleted) this.elements.delete(element.id);
				else this.elements.set(element.id, structuredClone(element));
				this.noteVersion(element.id);
			}
		}, origin);
	}

	writeFiles(files: readonly BinaryFileData[], origin: unknown): void {
		const added = files.filter(({ id }) => !this.files.has(id));
		if (added.length === 0) return;
		this.#document.transact(() => {
			for (const file of added) this.files.set(file.id, { ...file });
		}, origin);
	}
}

function versionOf({ version, versionNonce }: SceneElement): string {
	return `${version}:${versionNonce}`;
}

/** What others wrote is not ours to trust. */
function isElement(value: unknown): value is SceneElement {
	if (typeof value !== "object" || value === null) return false;
	const { id, type, x, y } = value as Record<string, unknown>;
	return typeof id === "string" && typeof type === "string" && Number.isFinite(x) && Number.isFinite(y);
}

/** By Excalidraw's fractional index; elements that were put in the same place at the same time, by id. */
export function inOrder(elements: SceneElement[]): SceneElement[] {
	const key = ({ index }: SceneElement) => index ?? "";
	return elements.sort((a, b) => {
		if (key(a) === key(b)) return a.id < b.id ? -1 : 1;
		return key(a) < key(b) ? -1 : 1;
	});
}
