const KiB = 1024;
const MiB = 1024 * KiB;

/** What no normal user meets: an office of thousands behind one address, a pen, a service account, a client that comes back to hundreds of documents. */
export const defaultLimits = {
	messagesPerSecondMax: 1_000,
	bytesPerSecondMax: 8 * MiB,
	userMessagesPerSecondMax: 10_000,
	userBytesPerSecondMax: 64 * MiB,
	slowedMsMax: 30_000,
	connectionsPerAddressMax: 5_000,
	handshakesPerSecondMax: 200,
	limitPrivateAddresses: false,
	connectionsPerUserMax: 1_000,
	connectionsPerDocumentMax: 20_000,
	documentsPerConnectionMax: 1_000,
	unauthenticatedBytesMax: 256 * KiB,
} as const;
