import type {
	AppState,
	Collaborator,
	CollaboratorPointer,
	ExcalidrawImperativeAPI,
	SocketId,
} from "@excalidraw/excalidraw/types";
import type { Awareness } from "y-protocols/awareness";
import { asPerson } from "../person.ts";

const intervalMs = 40;

export interface PointerUpdate {
	readonly pointer: { readonly x: number; readonly y: number; readonly tool: "pointer" | "laser" };
	readonly button: "up" | "down";
}

/** Everybody's pointer and selection, through the awareness. */
export class Pointers {
	readonly #awareness: Awareness;
	readonly #api: ExcalidrawImperativeAPI;
	#next: PointerUpdate | undefined;
	#timer: ReturnType<typeof setTimeout> | undefined;
	#selected = "";

	constructor(awareness: Awareness, api: ExcalidrawImperativeAPI) {
		this.#awareness = awareness;
		this.#api = api;
		awareness.on("change", this.#show);
		this.#show();
	}

	moved(update: PointerUpdate): void {
		this.#next = update;
		this.#timer ??= setTimeout(() => {
			this.#timer = undefined;
			this.#awareness.setLocalStateField("pointer", this.#next);
		}, intervalMs);
	}

	selected({ selectedElementIds }: AppState): void {
		const print = Object.keys(selectedElementIds).sort().join();
		if (print === this.#selected) return;
		this.#selected = print;
		this.#awareness.setLocalStateField("selectedElementIds", selectedElementIds);
	}

	destroy(): void {
		clearTimeout(this.#timer);
		this.#awareness.off("change", this.#show);
	}

	readonly #show = () => {
		const collaborators = new Map<SocketId, Collaborator>();
		for (const [clientId, state] of this.#awareness.getStates()) {
			if (clientId === this.#awareness.clientID) continue;
			const collaborator = asCollaborator(clientId, state);
			if (collaborator !== undefined) collaborators.set(String(clientId) as SocketId, collaborator);
		}
		this.#api.updateScene({ collaborators });
	};
}

function asCollaborator(clientId: number, state: Record<string, unknown>): Collaborator | undefined {
	const person = asPerson(state.user);
	if (person === undefined) return undefined;
	const { pointer, button } = (state.pointer ?? {}) as Partial<PointerUpdate>;
	const selectedElementIds = state.selectedElementIds as AppState["selectedElementIds"] | undefined;
	return {
		id: idOfHue(person.color),
		socketId: String(clientId) as SocketId,
		username: person.name,
		color: { background: person.color, stroke: person.color },
		button: button ?? "up",
		...(isPointer(pointer) ? { pointer } : {}),
		...(typeof selectedElementIds === "object" && selectedElementIds !== null ? { selectedElementIds } : {}),
	};
}

/**
 * Excalidraw 0.18 takes a collaborator's colour from the id, as one of 37 hues (`getClientColor`). This is an id that
 * gets it the one next to the person's own.
 */
function idOfHue(color: string): string {
	const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
	const hue = (Math.atan2(Math.sqrt(3) * (green - blue), 2 * red - green - blue) * 180) / Math.PI;
	return String.fromCharCode(37 * 4 + Math.round(((hue + 360) % 360) / 10));
}

function isPointer(value: unknown): value is CollaboratorPointer {
	const { x, y } = (value ?? {}) as Record<string, unknown>;
	return Number.isFinite(x) && Number.isFinite(y);
}
