export type { BusStatus } from "./heart.ts";
export type { BusEvent } from "./logging.ts";
export { type BusStats, RedisBus, type RedisBusOptions } from "./redis-bus.ts";
export type { RedisClient } from "./redis-link.ts";
export { RedisRefusedError } from "./redis-refused-error.ts";
export type { SharedLog } from "./shared-log.ts";
