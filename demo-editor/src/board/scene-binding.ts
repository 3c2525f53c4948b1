import { CaptureUpdateAction, isInvisiblySmallElement } from "@excalidraw/excalidraw";
import type {
	AppState,
	BinaryFileData,
	BinaryFiles,
	ExcalidrawImperativeAPI,
} from "@excalidraw/excalidraw/types";
import type * as Y from "yjs";
import { inOrder, type SceneElement, type SharedScene } from "./shared-scene.ts";

/** While a line is drawn it is written this often: each time it is the whole line so far. */
const strokeIntervalMs = 180;
/** While something is dragged. */
const dragIntervalMs = 60;

/** Keeps Excalidraw's scene and the shared one in step. */
export class SceneBinding {
	readonly #shared: SharedScene;
	readonly #api: ExcalidrawImperativeAPI;
	/** Excalidraw takes its initial scene some time after it is on the page, and forgets what it was given before. */
	#isReady = false;
	#isPending = false;
	#timer: ReturnType<typeof setTimeout> | undefined;

	constructor(shared: SharedScene, api: ExcalidrawImperativeAPI) {
		this.#shared = shared;
		this.#api = api;
		shared.elements.observe(this.#onElements);
		shared.files.observe(this.#onFiles);
	}

	/** Excalidraw's `onChange`: also called when nothing has changed, and for what we gave it. */
	changed(elements: readonly SceneElement[], appState: AppState, files: BinaryFiles): void {
		if (!this.#isReady) {
			this.#isReady = true;
			// What has arrived since the first rendering.
			this.#take([...this.#shared.elements.keys()]);
			this.#api.addFiles([...this.#shared.files.values()]);
		}
		this.#isPending = true;
		const used = new Set(elements.map((element) => ("fileId" in element ? element.fileId : null)));
		this.#shared.writeFiles(
			Object.values(files).filter(({ id }) => used.has(id)),
			this,
		);
		if (isBusy(appState)) {
			const intervalMs = appState.newElement?.type === "freedraw" ? strokeIntervalMs : dragIntervalMs;
			this.#timer ??= setTimeout(() => this.flush(), intervalMs);
		} else this.flush();
	}

	flush(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		if (!this.#isPending) return;
		this.#isPending = false;
		// The scene as it is now: what `onChange` brought may hold elements that others have changed since.
		const elements = this.#api.getSceneElementsIncludingDeleted();
		// A click that drew nothing leaves nothing.
		this.#shared.write(
			elements.filter((element) => element.isDeleted || !isInvisiblySmallElement(element)),
			this,
		);
	}

	destroy(): void {
		this.flush();
		this.#shared.elements.unobserve(this.#onElements);
		this.#shared.files.unobserve(this.#onFiles);
	}

	readonly #onElements = (event: Y.YMapEvent<SceneElement>, transaction: Y.Transaction) => {
		if (this.#isReady && transaction.origin !== this) this.#take([...event.keysChanged]);
	};

	readonly #onFiles = (event: Y.YMapEvent<BinaryFileData>, transaction: Y.Transaction) => {
		if (!this.#isReady || transaction.origin === this) return;
		const files = [...event.keysChanged].flatMap((id) => this.#shared.files.get(id) ?? []);
		this.#api.addFiles(files);
	};

	/** Takes over what others have changed, except for what is in one's own hands: that is written over theirs. */
	#take(ids: readonly string[]): void {
		for (const id of ids) this.#shared.noteVersion(id);
		const held = heldIds(this.#api.getAppState());
		const scene = new Map(
			this.#api.getSceneElementsIncludingDeleted().map((element) => [element.id, element]),
		);
		let isChanged = false;
		for (const id of ids) {
			const local = scene.get(id);
			if (local !== undefined && (held.has(id) || this.#shared.isWritten(local))) continue;
			const theirs = this.#shared.get(id);
			if (theirs !== undefined) scene.set(id, theirs);
			else if (local !== undefined) scene.set(id, { ...local, isDeleted: true, version: local.version + 1 });
			isChanged = true;
		}
		if (!isChanged) return;
		// Not in one's own undo history: undo takes back one's own strokes only.
		this.#api.updateScene({
			elements: inOrder([...scene.values()]),
			captureUpdate: CaptureUpdateAction.NEVER,
		});
	}
}

function isBusy({ newElement, selectedElementsAreBeingDragged, isResizing, isRotating }: AppState): boolean {
	return newElement !== null || selectedElementsAreBeingDragged || isResizing || isRotating;
}

/** The elements that one is drawing, moving or typing into. */
function heldIds(appState: AppState): Set<string> {
	const { newElement, editingTextElement, selectedElementIds } = appState;
	const held = new Set([newElement?.id, editingTextElement?.id].filter((id) => id !== undefined));
	if (appState.selectedElementsAreBeingDragged || appState.isResizing || appState.isRotating) {
		for (const id of Object.keys(selectedElementIds)) held.add(id);
	}
	return held;
}
