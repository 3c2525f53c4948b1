/**
 * Which acknowledgements a client can understand. Pure.
 *
 * `@hocuspocus/provider` 4.8 counts: an edit adds one to `unsyncedChanges`, an acknowledgement takes one off, and 0
 * means that all is saved. But when it (re)connects it starts again from 1, for the `SyncStep2` that it will answer our
 * `SyncStep1` with, and forgets what it had counted; the edits that it made offline it sends all the same, each in a
 * frame of its own (`HocuspocusProvider.startSync`, `HocuspocusProviderWebsocket.resolveConnectionAttempt`). The
 * acknowledgement of the first of those would make it say that all is saved. So, while we wait for its `SyncStep2`, which
 * holds everything that it has, acknowledgements wait with us.
 */
export class Handshake {
	/** `SyncStep1`s sent that the client has not answered. */
	#asked = 0;
	/** Frames received that are answered with a `SyncStatus` each, in order. */
	#received = 0;
	/** `SyncStatus`es made. */
	#answered = 0;
	/** The number, among those received, of the `SyncStep2` that completes the handshake. */
	#completedBy = 0;
	/** Acknowledgements that wait for it. */
	#held = 0;

	step1Sent(): void {
		this.#asked += 1;
	}

	updateReceived(): void {
		this.#received += 1;
	}

	step2Received(): void {
		this.#received += 1;
		if (this.#asked === 0) return;
		this.#asked -= 1;
		if (this.#asked === 0) this.#completedBy = this.#received;
	}

	/** @returns How many acknowledgements may go on their way now, this one included. */
	acknowledgementMade(): number {
		this.#held += 1;
		return this.refusalMade();
	}

	/** A `SyncStatus(false)`, which does not wait itself. @returns How many acknowledgements may go on their way now. */
	refusalMade(): number {
		this.#answered += 1;
		if (this.#asked > 0 || this.#answered < this.#completedBy) return 0;
		const held = this.#held;
		this.#held = 0;
		return held;
	}
}
