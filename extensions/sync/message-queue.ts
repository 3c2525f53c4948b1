import type { Connection } from "@hocuspocus/server";

/** Messages that Hocuspocus handles one after the other, the one first that it is at (4.7, `Connection.ts`). */
export function messagesOf(connection: Connection): readonly Uint8Array[] {
	return (connection as unknown as { readonly messageQueue: readonly Uint8Array[] }).messageQueue;
}
