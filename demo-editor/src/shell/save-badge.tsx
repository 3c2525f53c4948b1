import { useEffect, useRef, useState } from "react";
import { useObservable } from "../observable.ts";
import { type SaveState, saveStateText } from "../save-state.ts";
import type { SaveMonitor } from "../session/save-monitor.ts";

/** Where edits are. Told by colour and shape too, but first of all in words. */
export function SaveBadge({ monitor }: { monitor: SaveMonitor }) {
	const state = useUnhurried(useObservable(monitor.state));
	const reasons = useObservable(monitor.reasons);
	return (
		<>
			{/* It changes with every keystroke: read out, it would be a nuisance. What matters is announced below. */}
			<div
				role="status"
				aria-live="off"
				className="save-badge"
				data-state={state.status}
				title={explanation(state, reasons)}
			>
				<span className="save-dot" aria-hidden="true" />
				<span className="save-text">{saveStateText(state)}</span>
			</div>
			<Announcement state={state} />
		</>
	);
}

/** Saying *Saved* a little late is true as well, and the badge does not flicker with every keystroke. */
const savedDelayMs = 400;

function useUnhurried(state: SaveState): SaveState {
	const [shown, setShown] = useState(state);
	const isLate = state.status === "saved" && shown.status === "saving";
	useEffect(() => {
		const timer = setTimeout(() => setShown(state), isLate ? savedDelayMs : 0);
		return () => clearTimeout(timer);
	}, [state, isLate]);
	return isLate ? shown : state;
}

function explanation(state: SaveState, reasons: readonly string[]): string {
	switch (state.status) {
		case "connecting":
			return "Looking for the server.";
		case "saving":
			return "Sent. The server has not said yet that it is on disk.";
		case "saved":
			return "Every edit is on the server's disk.";
		case "offline":
			return "Go on working: your edits are kept in this browser and sent when the server is back.";
		case "refused": {
			const because = reasons.length > 0 ? ` It says: ${reasons.join("; ")}.` : "";
			return `The server is there but can't write.${because} Edits are kept in this browser meanwhile.`;
		}
		case "rejected":
			return "The server is well, but did not take your last edits: the document may be full, or they are not allowed. They are kept in this browser; others do not see them.";
		case "reading":
			return "You may read this document, and not change it. What others write arrives as they write it.";
	}
}

/** For screen readers: trouble, and its end. */
function Announcement({ state }: { state: SaveState }) {
	const [words, setWords] = useState("");
	const wasInTrouble = useRef(false);
	const { status } = state;
	useEffect(() => {
		if (status === "offline") setWords("Offline. Your edits are kept on this device.");
		if (status === "refused") setWords("The server cannot save now. Your edits are kept on this device.");
		if (status === "rejected")
			setWords("The server has refused your last edits. They are kept on this device.");
		if (status === "reading") setWords("You may read this document, and not change it.");
		if (status === "saved" && wasInTrouble.current) setWords("All edits are saved.");
		if (status === "offline" || status === "refused" || status === "rejected") wasInTrouble.current = true;
		if (status === "saved") wasInTrouble.current = false;
	}, [status]);
	return (
		<div aria-live="polite" className="visually-hidden">
			{words}
		</div>
	);
}
