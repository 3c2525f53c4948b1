import type { Service } from "./service.ts";

export interface KeptServiceOptions {
	readonly title: string;
	/** Has it end in good order. */
	readonly endSignal: NodeJS.Signals;
	start(onSpawn: (service: Service) => void): Promise<Service>;
	/** Told of every process, also one that does not serve yet. */
	onSpawn(service: Service): void;
	/** It ended without being asked to, and will be started again. */
	onLost(service: Service): void;
	/** It serves again. */
	onBack(service: Service): void;
	/** It could not be started again; that will be tried once more. */
	onFailed(reason: string): void;
}

type State =
	| { readonly status: "off" }
	| { readonly status: "starting"; readonly service?: Service }
	| { readonly status: "serving"; readonly service: Service }
	| { readonly status: "pausing"; readonly timer: NodeJS.Timeout }
	| { readonly status: "ending"; readonly service?: Service };

const pauseMs = 1_000;
const pauseMsMax = 30_000;

/** A service that is started again when it ends unasked. */
export class KeptService {
	readonly #options: KeptServiceOptions;
	#state: State = { status: "off" };
	#attempt: Promise<Service> | undefined;

	constructor(options: KeptServiceOptions) {
		this.#options = options;
	}

	get title(): string {
		return this.#options.title;
	}

	/** The process that serves now. */
	get pid(): number | undefined {
		return this.#state.status === "serving" ? this.#state.service.pid : undefined;
	}

	/** @throws When it can't; it is not tried again then. */
	async start(): Promise<void> {
		if (this.#isEnding) throw new Error(`${this.title} is not wanted any more`);
		this.#state = { status: "starting" };
		this.#attempt = this.#options.start((spawned) => {
			this.#options.onSpawn(spawned);
			// Then `start` rejects.
			if (this.#isEnding) void spawned.stop("SIGKILL");
			else this.#state = { status: "starting", service: spawned };
		});
		const service = await this.#attempt;
		if (this.#isEnding) return;
		this.#state = { status: "serving", service };
		void service.ended.then(() => {
			if (this.#isEnding) return;
			this.#options.onLost(service);
			this.#pause(0);
		});
	}

	/** Ends it for good. Nothing of it runs when this returns. */
	async end(signal = this.#options.endSignal): Promise<void> {
		const state = this.#state;
		if (state.status === "pausing") clearTimeout(state.timer);
		const service = "service" in state ? state.service : undefined;
		this.#state = { status: "ending", ...(service && { service }) };
		await service?.stop(signal);
		await this.#attempt?.catch(() => {});
	}

	get #isEnding(): boolean {
		return this.#state.status === "ending";
	}

	#pause(failures: number): void {
		const timer = setTimeout(
			() => void this.#startAgain(failures),
			Math.min(pauseMs * 2 ** failures, pauseMsMax),
		);
		this.#state = { status: "pausing", timer };
	}

	async #startAgain(failures: number): Promise<void> {
		try {
			await this.start();
			if (this.#state.status === "serving") this.#options.onBack(this.#state.service);
		} catch (error) {
			if (this.#isEnding) return;
			this.#options.onFailed((error as Error).message);
			this.#pause(failures + 1);
		}
	}
}
