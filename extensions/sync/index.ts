export type { Gate, Gates } from "./gate.ts";
export { isOfNobody, type Lobby } from "./lobby.ts";
export type { PacedSocket, Route } from "./paced-socket.ts";
export { onPresenceNamed } from "./presence-named.ts";
export { Sync, type SyncOptions, type SyncStats } from "./sync.ts";
export { frameBytes, writeFrameHeader } from "./web-socket-frame.ts";
