import type { Connection, Document } from "@hocuspocus/server";

type Listener = (connection: Connection, clientIds: readonly number[]) => void;

/** Events of a document that Yjs and Hocuspocus know nothing of. */
interface Emitter {
	on(name: "presenceNamed", listener: Listener): void;
	emit(name: "presenceNamed", payload: Parameters<Listener>): void;
}

/** A client names these awareness client ids as its own. Called before its states are applied, whether or not they are news. */
export function onPresenceNamed(document: Document, listener: Listener): void {
	(document as unknown as Emitter).on("presenceNamed", listener);
}

export function tellPresenceNamed(document: Document, ...named: Parameters<Listener>): void {
	(document as unknown as Emitter).emit("presenceNamed", named);
}
