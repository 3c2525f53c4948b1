import "@excalidraw/excalidraw/index.css";
import "./board.css";
import { Excalidraw } from "@excalidraw/excalidraw";
import type { ExcalidrawImperativeAPI } from "@excalidraw/excalidraw/types";
import { useEffect, useMemo, useRef, useState } from "react";
import { useObservable } from "../observable.ts";
import type { DocumentSession } from "../session/document-session.ts";
import { mayTakeFocus } from "../session/focus.ts";
import { theme } from "../theme.ts";
import { Pointers, type PointerUpdate } from "./pointers.ts";
import { SceneBinding } from "./scene-binding.ts";
import { SharedScene } from "./shared-scene.ts";

/** Our own shell has the theme, and documents are links, not files. */
const uiOptions = {
	canvasActions: { toggleTheme: false, loadScene: false, saveToActiveFile: false },
};

export function Board({ session }: { session: DocumentSession }) {
	const [api, setApi] = useState<ExcalidrawImperativeAPI>();
	const shared = useMemo(() => new SharedScene(session.document), [session]);
	const initialData = useMemo(
		() => ({
			elements: shared.all(),
			files: Object.fromEntries(shared.files.entries()),
			scrollToContent: true,
		}),
		[shared],
	);
	const links = useRef<{ binding: SceneBinding; pointers: Pointers }>(undefined);
	useEffect(() => {
		if (api === undefined) return;
		const binding = new SceneBinding(shared, api);
		const pointers = new Pointers(session.awareness, api);
		links.current = { binding, pointers };
		const flush = () => binding.flush();
		addEventListener("pagehide", flush);
		return () => {
			removeEventListener("pagehide", flush);
			links.current = undefined;
			binding.destroy();
			pointers.destroy();
		};
	}, [api, shared, session]);
	return (
		<div className="board">
			<Excalidraw
				excalidrawAPI={setApi}
				initialData={initialData}
				theme={useObservable(theme)}
				UIOptions={uiOptions}
				viewModeEnabled={!useObservable(session.mayWrite)}
				isCollaborating
				autoFocus={mayTakeFocus()}
				onChange={(elements, appState, files) => {
					links.current?.binding.changed(elements, appState, files);
					links.current?.pointers.selected(appState);
				}}
				onPointerUpdate={(update: PointerUpdate) => links.current?.pointers.moved(update)}
			/>
		</div>
	);
}
