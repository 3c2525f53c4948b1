import { acknowledgementBody } from "./bodies.ts";
import { type Body, Bundle } from "./bundle.ts";

const none: readonly Body[] = [];

/** What a document sends to all of its clients at a time. Clients that get the same share its bytes. */
export class Outgoing {
	readonly updates: readonly Body[];
	readonly presence: Body | undefined;
	readonly #commonAddress: Uint8Array;
	/** By the number of acknowledgements that come first; for the common address, and for those who get all of it. */
	readonly #shared: Bundle[] = [];

	constructor(commonAddress: Uint8Array, updates: readonly Body[], presence: Body | undefined) {
		this.#commonAddress = commonAddress;
		this.updates = updates;
		this.presence = presence;
	}

	/** About what each client is sent. */
	get bytes(): number {
		let bytes = this.presence?.byteLength ?? 0;
		for (const { byteLength } of this.updates) bytes += byteLength;
		return bytes;
	}

	/** For a client that gets all of it, after so many acknowledgements. */
	all(address: Uint8Array, acknowledgements: number): Bundle {
		if (address !== this.#commonAddress)
			return new Bundle(address, this.#bodies(acknowledgements, this.updates));
		this.#shared[acknowledgements] ??= new Bundle(address, this.#bodies(acknowledgements, this.updates));
		return this.#shared[acknowledgements];
	}

	/** For the client that all the updates came from; `undefined` when there is nothing for it. */
	forAuthor(address: Uint8Array, acknowledgements: number): Bundle | undefined {
		const bodies = this.#bodies(acknowledgements, none);
		return bodies.length === 0 ? undefined : new Bundle(address, bodies);
	}

	#bodies(acknowledgements: number, updates: readonly Body[]): readonly Body[] {
		if (acknowledgements === 0 && this.presence === undefined) return updates;
		const bodies = [...new Array<Body>(acknowledgements).fill(acknowledgementBody), ...updates];
		if (this.presence !== undefined) bodies.push(this.presence);
		return bodies;
	}
}
