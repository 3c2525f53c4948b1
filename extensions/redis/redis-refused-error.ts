/** Redis is there, and does not let us in. */
export class RedisRefusedError extends Error {
	override readonly name = "RedisRefusedError";
}
