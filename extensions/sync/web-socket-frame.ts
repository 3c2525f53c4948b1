/**
 * Binary WebSocket frames as a server sends them: whole messages, not masked, not compressed (RFC 6455, section 5.2). Pure.
 */

const finalBinary = 0x82;
const lengthIn16Bits = 126;
const lengthIn64Bits = 127;

/** What a message takes on the wire, in bytes. */
export function frameBytes(messageBytes: number): number {
	if (messageBytes < lengthIn16Bits) return 2 + messageBytes;
	return (messageBytes < 0x1_0000 ? 4 : 10) + messageBytes;
}

/** Writes a frame's header. @returns Where its message begins. */
export function writeFrameHeader(target: Buffer, at: number, messageBytes: number): number {
	target[at] = finalBinary;
	if (messageBytes < lengthIn16Bits) {
		target[at + 1] = messageBytes;
		return at + 2;
	}
	if (messageBytes < 0x1_0000) {
		target[at + 1] = lengthIn16Bits;
		return target.writeUInt16BE(messageBytes, at + 2);
	}
	target[at + 1] = lengthIn64Bits;
	return target.writeBigUInt64BE(BigInt(messageBytes), at + 2);
}
