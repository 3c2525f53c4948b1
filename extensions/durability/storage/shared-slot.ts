/** Where what stands among the words of control. */
const [bellAt, waitsAt, bytesAt, answersAt] = [0, 1, 2, 3];
const controlBytes = 64;
/** Behind the words of control: the question's id, and its answer. */
const [idAt, answerAt] = [0, 1];
const numbersBytes = 16;
/** A question, at most. One that is longer costs more to copy than it costs to send. */
const questionBytesMax = 16 * 1024;

/**
 * Memory that a main thread and its worker share, with room for one question, and for an answer that is a number. A message is serialized, wakes the
 * other's event loop through the kernel, and goes through Node.js' events there; this is a copy, and a wake-up.
 *
 * Whatever else is under way when a question is put in was asked later. The worker {@link wait}s for the bell for as long as there is much to do, and
 * hears it for messages as well then; otherwise it is in its event loop, and has to be sent one. So {@link ring} and {@link isWaiting} each write first, and
 * what is read then is what the other one writes first: one of them sees it.
 */
export class SharedSlot {
	readonly memory: SharedArrayBuffer;
	readonly #control: Int32Array;
	readonly #numbers: Float64Array;
	readonly #question: Buffer<SharedArrayBuffer>;

	/** @param memory The other thread's; new by default. */
	constructor(memory = new SharedArrayBuffer(controlBytes + numbersBytes + questionBytesMax)) {
		this.memory = memory;
		this.#control = new Int32Array(memory, 0, controlBytes / Int32Array.BYTES_PER_ELEMENT);
		this.#numbers = new Float64Array(memory, controlBytes, numbersBytes / Float64Array.BYTES_PER_ELEMENT);
		this.#question = Buffer.from(memory, controlBytes + numbersBytes);
	}

	/** Whether there is room for a question of so many bytes. */
	static fits(bytes: number): boolean {
		return bytes > 0 && bytes <= questionBytesMax;
	}

	/**
	 * The main thread's: puts a question in, when the last one was answered; {@link ring} then.
	 * @param write Writes it to the beginning of what it is given.
	 */
	put(id: number, bytes: number, write: (target: Buffer) => void): void {
		write(this.#question);
		this.#numbers[idAt] = id;
		Atomics.store(this.#control, bytesAt, bytes);
	}

	/** The main thread's, after a question or a message. @returns Whether the worker hears it; if not, it takes a message to wake it. */
	ring(): boolean {
		Atomics.add(this.#control, bellAt, 1);
		if (Atomics.load(this.#control, waitsAt) === 0) return false;
		Atomics.notify(this.#control, bellAt);
		return true;
	}

	/** The worker's: takes the question out. It is a view on the memory, and stays what it is until it is answered. */
	take(): { readonly id: number; readonly question: Buffer } | undefined {
		const bytes = Atomics.exchange(this.#control, bytesAt, 0);
		if (bytes === 0) return undefined;
		return { id: this.#numbers[idAt] ?? 0, question: this.#question.subarray(0, bytes) };
	}

	/** The worker's: answers the question that it has taken. */
	answer(answer: number): void {
		this.#numbers[answerAt] = answer;
		Atomics.store(this.#control, answersAt, 1);
		Atomics.notify(this.#control, answersAt);
	}

	/** The main thread's: calls `heard` once there is an answer to {@link takeAnswer}. Somebody may have taken it by then. It keeps no process alive. */
	onceAnswered(heard: () => void): void {
		// A string when there is one already.
		const { value } = Atomics.waitAsync(this.#control, answersAt, 0);
		void Promise.resolve(value).then(heard);
	}

	/** The main thread's, once the worker has ended: calls whoever waits {@link onceAnswered}, who would stay in memory. */
	end(): void {
		Atomics.notify(this.#control, answersAt);
	}

	/** The main thread's. @returns The answer in the slot, once, and the id of its question. */
	takeAnswer(): { readonly id: number; readonly answer: number } | undefined {
		if (Atomics.exchange(this.#control, answersAt, 0) === 0) return undefined;
		return { id: this.#numbers[idAt] ?? 0, answer: this.#numbers[answerAt] ?? 0 };
	}

	/** How often the bell has rung. */
	get rung(): number {
		return Atomics.load(this.#control, bellAt);
	}

	/** The worker's: whether it {@link wait}s, or will before it does anything else than answer. */
	set isWaiting(isWaiting: boolean) {
		Atomics.store(this.#control, waitsAt, isWaiting ? 1 : 0);
	}

	/**
	 * The worker's: blocks its thread until the bell rings.
	 * @param heard How often it had rung when it was last looked what there is to do.
	 * @returns Whether it rang.
	 */
	wait(heard: number, patienceMs: number): boolean {
		return Atomics.wait(this.#control, bellAt, heard, patienceMs) !== "timed-out";
	}
}
