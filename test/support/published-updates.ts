import { decodeFrame } from "../../extensions/redis/frames.ts";
import type { Published } from "./redis-server.ts";

/** Of what was published, the updates of the document "page": beside them nodes may tell each other who is there. */
export function updatesOfPage(published: readonly Published[]): readonly Published[] {
	return published.filter(
		({ channel, message }) => channel === "hocuspocus:page" && decodeFrame(message).message.type === "update",
	);
}
