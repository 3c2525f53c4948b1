import { connect as connectPlain, Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { AbstractConnector } from "ioredis";
import type { Deployment, ServerInfo } from "./deployment.ts";
import type { Place } from "./redis-url.ts";
import { serverNameOf } from "./sentinel-survey.ts";

/** For a server to accept a connection. */
const connectMsMax = 5_000;
/** When there are others to try. */
const connectMsMaxOfSeveral = 2_000;
/** From asking for the end of a connection to ending it: a peer that is gone does not answer. */
const disconnectMsMax = 1_000;

type Emit = (type: string, error: Error) => void;

/**
 * What ioredis takes its connections from: the first server of a deployment that accepts one. Failing to find one is a
 * failed attempt like any other, after which ioredis tries again; it would give up for good if `connect` rejected.
 */
export class Connector extends AbstractConnector {
	readonly #deployment: Deployment;
	readonly #tls: boolean;
	#emit: Emit = () => {};
	#place: Place | undefined;

	constructor(deployment: Deployment, tls: boolean) {
		super(disconnectMsMax);
		this.#deployment = deployment;
		this.#tls = tls;
	}

	/** Where we are, or were last. */
	get place(): Place | undefined {
		return this.#place;
	}

	override async connect(emit: Emit): Promise<Socket> {
		this.#emit = emit;
		this.connecting = true;
		let failure = new Error("the attempt to connect was given up");
		try {
			const places = await this.#deployment.places();
			for (const place of places) {
				if (!this.connecting) break;
				try {
					return await this.#open(place, places.length > 1 ? connectMsMaxOfSeveral : connectMsMax);
				} catch (error) {
					failure = error as Error;
				}
			}
		} catch (error) {
			failure = error as Error;
		}
		this.firstError = failure;
		return new Socket().destroy();
	}

	/** ioredis asks when it is connected; after "no" it connects anew. */
	override check(info: ServerInfo): boolean {
		const objection = this.#deployment.objection(info);
		if (objection !== undefined) this.#emit("error", new Error(objection));
		return objection === undefined;
	}

	#open(place: Place, msMax: number): Promise<Socket> {
		const opened = Promise.withResolvers<Socket>();
		const stream = this.#tls ? connectTls({ ...place, ...serverNameOf(place) }) : connectPlain({ ...place });
		this.stream = stream;
		stream.setTimeout(msMax, () => stream.destroy(new Error(`no connection within ${msMax} ms`)));
		// It stays: between two listeners of ioredis an error would end the process.
		stream.on("error", (error) => {
			this.firstError = error;
			opened.reject(error);
		});
		stream.once("close", () => opened.reject(new Error("the attempt to connect was given up")));
		stream.once(this.#tls ? "secureConnect" : "connect", () => {
			stream.setTimeout(0);
			stream.removeAllListeners("timeout");
			this.#place = place;
			opened.resolve(stream);
		});
		return opened.promise;
	}
}
