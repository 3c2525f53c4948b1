import type { Client } from "pg";
import { backoffDelayMs } from "../backoff.ts";
import type { FollowSignal } from "../store.ts";
import { readAnnouncement } from "./announcements.ts";
import { clientConfig } from "./connection.ts";
import type { ConnectionSettings } from "./connection-settings.ts";
import { driver } from "./driver.ts";
import { applicationName, join } from "./membership.ts";
import { unavailable } from "./postgres-error.ts";

/** Between two questions whether the connection still works: a half-open one would only be silent. */
const heartbeatMs = 3_000;
/** From saying goodbye to cutting the connection: a peer that is gone does not answer. */
const goodbyeMsMax = 1_000;
const backoff = { initialMs: 100, maximumMs: 3_000 };

export interface ListenerOptions {
	readonly settings: ConnectionSettings;
	readonly channel: string;
	readonly nodeId: string;
	readonly signal: (signal: FollowSignal) => void;
}

type State =
	| { readonly status: "connecting" | "listening"; readonly client: Client }
	| { readonly status: "waiting" }
	| { readonly status: "closed" };

/** A connection that only listens; it is made anew for as long as it takes. */
export class Listener {
	readonly #options: ListenerOptions;
	#state: State = { status: "waiting" };
	#timer: NodeJS.Timeout | undefined;
	/** Attempts in a row that failed. */
	#failures = 0;

	constructor(options: ListenerOptions) {
		this.#options = options;
		// It handles its failures itself.
		void this.#connect();
	}

	get isListening(): boolean {
		return this.#state.status === "listening";
	}

	async close(): Promise<void> {
		const state = this.#state;
		this.#state = { status: "closed" };
		clearTimeout(this.#timer);
		if ("client" in state) await end(state.client);
	}

	async #connect(): Promise<void> {
		const { settings, channel, nodeId, signal } = this.#options;
		let client: Client;
		try {
			client = new (driver().Client)({
				...clientConfig(settings, heartbeatMs),
				application_name: applicationName(settings),
			});
		} catch (error) {
			// A certificate's file may be missing while it is being renewed.
			this.#wait(error);
			return;
		}
		this.#state = { status: "connecting", client };
		client.on("error", (error) => this.#lose(client, error));
		client.on("end", () => this.#lose(client, new Error("the server ended the connection")));
		client.on("notification", ({ payload = "" }) => {
			const announcement = readAnnouncement(payload, nodeId);
			if (announcement !== undefined && this.#isCurrent(client)) signal(announcement);
		});
		try {
			await client.connect();
			await join(client, settings);
			await client.query(`LISTEN ${client.escapeIdentifier(channel)}`);
		} catch (error) {
			this.#lose(client, error);
			return;
		}
		if (!this.#isCurrent(client)) return;
		this.#failures = 0;
		this.#state = { status: "listening", client };
		this.#scheduleHeartbeat(client);
		signal({ type: "listening" });
	}

	#isCurrent(client: Client): boolean {
		return "client" in this.#state && this.#state.client === client;
	}

	#scheduleHeartbeat(client: Client): void {
		this.#timer = setTimeout(() => {
			client.query("SELECT 1").then(
				() => {
					if (this.#isCurrent(client)) this.#scheduleHeartbeat(client);
				},
				(error) => this.#lose(client, error),
			);
		}, heartbeatMs).unref();
	}

	#lose(client: Client, error: unknown): void {
		if (!this.#isCurrent(client)) return;
		void end(client);
		this.#wait(error);
	}

	/** Tries again in a while. */
	#wait(error: unknown): void {
		this.#state = { status: "waiting" };
		clearTimeout(this.#timer);
		this.#failures += 1;
		const delayMs = backoffDelayMs(backoff, this.#failures, Math.random());
		this.#timer = setTimeout(() => void this.#connect(), delayMs).unref();
		this.#options.signal({ type: "deaf", error: unavailable(this.#options.settings.location, error) });
	}
}

async function end(client: Client): Promise<void> {
	const cut = setTimeout(() => client.connection.stream.destroy(), goodbyeMsMax).unref();
	await client.end().catch(() => {});
	clearTimeout(cut);
}
