import type { DurabilityLogger } from "../durability/logging.ts";

export type BusEvent =
	/** Messages come through Redis, for the first time or again. */
	| { readonly type: "redis-up"; readonly awayMs: number }
	| { readonly type: "redis-away"; readonly reason: string }
	| { readonly type: "node-joined"; readonly node: string }
	/** It said goodbye, or has been silent for too long. */
	| { readonly type: "node-left"; readonly node: string; readonly saidGoodbye: boolean }
	/** Messages were lost without a connection breaking; states are compared. */
	| { readonly type: "messages-lost" }
	| { readonly type: "frame-ignored"; readonly channel: string; readonly error: Error };

const messages: Record<BusEvent["type"], readonly [level: keyof DurabilityLogger, message: string]> = {
	"redis-up": ["info", "connected to the other nodes through Redis"],
	"redis-away": ["warn", "Redis is away: this node serves and saves, and hears nothing of the others"],
	"node-joined": ["info", "another node is here"],
	"node-left": ["info", "another node is gone"],
	"messages-lost": ["info", "messages between nodes were lost; comparing states"],
	"frame-ignored": ["debug", "a message from Redis could not be read and was ignored"],
};

export function logBusEvent(logger: DurabilityLogger, event: BusEvent): void {
	const [level, message] = messages[event.type];
	const { type: _type, ...fields } = event;
	// pino serialises an error under the key `err`.
	logger[level]("error" in fields ? { ...fields, error: undefined, err: fields.error } : fields, message);
}
