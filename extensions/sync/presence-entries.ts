/**
 * Awareness updates (`y-protocols/awareness`): `varUint count`, then for each client `varUint id, varUint clock,
 * varString state`, where the state is JSON, `null` when the client has left. Pure.
 */
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";

/** What an awareness update says of one client. */
export interface PresenceEntry {
	readonly clientId: number;
	readonly clock: number;
	readonly isPresent: boolean;
	/** `null` when it has left. */
	readonly state: unknown;
	/** All of it as it came. */
	readonly bytes: Uint8Array;
}

/** @throws when the update can't be read to its end. */
export function readPresence(update: Uint8Array): PresenceEntry[] {
	const decoder = decoding.createDecoder(update);
	const entries: PresenceEntry[] = [];
	for (let left = decoding.readVarUint(decoder); left > 0; left -= 1) {
		const start = decoder.pos;
		const clientId = decoding.readVarUint(decoder);
		const clock = decoding.readVarUint(decoder);
		const state: unknown = JSON.parse(decoding.readVarString(decoder));
		const bytes = update.subarray(start, decoder.pos);
		entries.push({ clientId, clock, isPresent: state !== null, state, bytes });
	}
	return entries;
}

export function writePresence(entries: readonly Uint8Array[]): Uint8Array {
	return encoding.encode((encoder) => {
		encoding.writeVarUint(encoder, entries.length);
		for (const entry of entries) encoding.writeUint8Array(encoder, entry);
	});
}

/** @param state `undefined` for a client that has left. */
export function encodeEntry(clientId: number, clock: number, state: unknown): Uint8Array {
	return encoding.encode((encoder) => {
		encoding.writeVarUint(encoder, clientId);
		encoding.writeVarUint(encoder, clock);
		encoding.writeVarString(encoder, JSON.stringify(state ?? null));
	});
}
