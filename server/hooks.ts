import type { Configuration, Extension, Hocuspocus, HookName } from "@hocuspocus/server";
import type { DurabilityLogger } from "../extensions/durability/index.ts";
import { nothing } from "../extensions/nothing.ts";

/** Every hook of Hocuspocus, with its own type. */
export type Hooks = { readonly [Name in HookName]?: Configuration[Name] | undefined };

const isHook: Record<HookName, true> = {
	onConfigure: true,
	onListen: true,
	onUpgrade: true,
	onConnect: true,
	connected: true,
	onAuthenticate: true,
	onTokenSync: true,
	onCreateDocument: true,
	onLoadDocument: true,
	afterLoadDocument: true,
	beforeHandleMessage: true,
	afterHandleMessage: true,
	beforeHandleAwareness: true,
	beforeSync: true,
	beforeBroadcastStateless: true,
	onStateless: true,
	onChange: true,
	onStoreDocument: true,
	afterStoreDocument: true,
	onAwarenessUpdate: true,
	onRequest: true,
	onDisconnect: true,
	beforeUnloadDocument: true,
	afterUnloadDocument: true,
	onDestroy: true,
};

export const hookNames: readonly string[] = Object.keys(isHook);

export function isHookName(name: string): name is HookName {
	return Object.hasOwn(isHook, name);
}

/**
 * Parts the hooks from other options. A hook that is not given is set to `undefined`, which spares every message the
 * promise of Hocuspocus' default hook for it.
 */
export function takeHooks<Options extends Hooks>(
	options: Options,
): { readonly hooks: Partial<Configuration>; readonly rest: Omit<Options, HookName> } {
	const hooks: Record<string, unknown> = Object.fromEntries(hookNames.map((name) => [name, undefined]));
	const rest: Record<string, unknown> = {};
	for (const [name, value] of Object.entries(options)) {
		if (isHookName(name)) hooks[name] = value;
		else rest[name] = value;
	}
	return { hooks: hooks as Partial<Configuration>, rest: rest as Omit<Options, HookName> };
}

/** Hooks that Hocuspocus runs without waiting for them: nobody would hear of their failure. */
const unheardHooks: ReadonlySet<HookName> = new Set<HookName>([
	"onChange",
	"onAwarenessUpdate",
	"onStateless",
	"onDisconnect",
	"beforeBroadcastStateless",
	"afterUnloadDocument",
]);

/**
 * Hooks whose failure closes the client's connection. Hocuspocus 4.7 asks it for `code` and `reason` with `in`, which
 * throws for what is not an object, and then neither closes the connection nor handles what it sends any more.
 */
const closingHooks: ReadonlySet<HookName> = new Set<HookName>([
	"beforeHandleMessage",
	"beforeHandleAwareness",
	"beforeSync",
]);

/**
 * Logs a failure in a hook that nobody waits for, which would otherwise end the process as an unhandled rejection
 * [TRN5], and sees to it that one that closes a connection can. Failures in other hooks go where Hocuspocus sends them.
 */
export function containHookErrors(hocuspocus: Hocuspocus, logger: DurabilityLogger): void {
	const having = new HavingHooks();
	hocuspocus.hooks = (name, payload, callback) => {
		const extensions = having.of(name, hocuspocus.configuration.extensions);
		const running = runHooks(extensions, name, payload, callback);
		if (closingHooks.has(name)) return running.catch((error) => throwAsObject(name, error));
		if (!unheardHooks.has(name)) return running;
		return running.catch((error) => {
			const { socketId: connection } = Object(payload) as { readonly socketId?: unknown };
			logger.error({ err: error, hook: name, connection }, "a hook failed");
		});
	};
}

type Hook = (payload: unknown) => unknown;
/** As Hocuspocus types it. */
type Callback = Parameters<Hocuspocus["hooks"]>[2];

const nothingToRun = Promise.resolve();

const noExtensions: readonly Extension[] = [];

/** A list is made anew only when it would be another one. */
class HavingHooks {
	readonly #having = new Map<HookName, readonly Extension[]>();

	/** Extensions that have the hook now, in their order. */
	of(name: HookName, extensions: readonly Extension[]): readonly Extension[] {
		const known = this.#having.get(name) ?? noExtensions;
		let at = 0;
		// Some five times for everybody who comes: an iterator would make an object for each extension until V8 has compiled this.
		for (let index = 0; index < extensions.length; index += 1) {
			const extension = extensions[index];
			if (typeof extension?.[name] !== "function") continue;
			if (known[at] !== extension) return this.#look(name, extensions);
			at += 1;
		}
		return at === known.length ? known : this.#look(name, extensions);
	}

	#look(name: HookName, extensions: readonly Extension[]): readonly Extension[] {
		const having = extensions.filter((extension) => typeof extension[name] === "function");
		this.#having.set(name, having);
		return having;
	}
}

/**
 * As Hocuspocus 4.7 does: one extension's hook after the other, in the order of the extensions, and what each returns to the callback; what the
 * last one returns is the result. Hocuspocus makes some ten promises and closures for each of them, for every client that comes.
 */
function runHooks(
	having: readonly Extension[],
	name: HookName,
	payload: unknown,
	callback: Callback,
): Promise<unknown> {
	return having.length === 0 ? nothingToRun : runEach(having, name, payload, callback);
}

async function runEach(
	extensions: readonly Extension[],
	name: HookName,
	payload: unknown,
	callback: Callback,
): Promise<unknown> {
	// None runs before whoever has it run goes on, which may be in the middle of a transaction.
	await undefined;
	let last: unknown;
	for (let index = 0; index < extensions.length; index += 1) {
		try {
			const extension = extensions[index];
			last = (extension?.[name] as Hook | undefined)?.call(extension, payload);
			if (last === nothing) last = undefined;
			else if (isAwaited(last)) last = await last;
		} catch (error) {
			const { message } = Object(error) as { readonly message?: unknown };
			if (message) console.error(`[${name}]`, message);
			throw error;
		}
		// Hocuspocus' own do nothing with nothing, and take their time for it.
		if (!callback || last === undefined) continue;
		last = callback(last);
		if (isAwaited(last)) last = await last;
	}
	return last;
}

/** Whether there is something to wait for. */
function isAwaited(result: unknown): boolean {
	return (typeof result === "object" || typeof result === "function") && result !== null && "then" in result;
}

function throwAsObject(name: HookName, error: unknown): never {
	throw error instanceof Object ? error : new Error(`the ${name} hook rejected with ${String(error)}`);
}
