import type { Connection } from "@hocuspocus/server";
import type { Charged } from "../traffic.ts";

/** Has what a client sent count as so many messages more, behind our own transport: what it costs is not to be seen by its bytes. */
export function charge({ webSocket }: Connection, messages: number): void {
	if (messages >= 1 && "charge" in webSocket) (webSocket as Charged).charge(messages);
}
