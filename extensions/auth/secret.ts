/** RFC 7518 section 3.2: a key for HMAC with SHA-256 is at least as long as its hash. */
export const secretBytesMin = 32;

/** @throws {TypeError} when a secret is too short to be one; the message holds nothing of it. */
export function checkedSecret(secret: string, purpose: string): string {
	if (Buffer.byteLength(secret) < secretBytesMin)
		throw new TypeError(`a secret for ${purpose} must have at least ${secretBytesMin} bytes`);
	return secret;
}
