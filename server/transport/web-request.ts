import type { IncomingMessage } from "node:http";

/**
 * The `Request` of the Fetch standard that Hocuspocus hands to hooks. Whatever a client sends, it does not throw.
 *
 * Making one takes longer than all else of a handshake, and most are never looked at: until then it is a text.
 */
export function toWebRequest({ url, headers, rawHeaders }: IncomingMessage): Request {
	const original = { url: url ?? "/", host: headers.host, fields: flattened(rawHeaders.join("\n")) };
	return new Proxy({}, new LazyRequest(original)) as Request;
}

/** V8 keeps what a text was put together from, each piece an object of its own, until somebody looks into it. */
export function flattened(text: string): string {
	text.charCodeAt(0);
	return text;
}

/** What there is of a request, in as few objects as possible. */
interface Original {
	readonly url: string;
	readonly host: string | undefined;
	/** Names and values of header fields in turn, a line each. */
	readonly fields: string;
}

/** An object that is made when something of it is wanted, behind a proxy that takes its place. */
abstract class Lazy<Real extends object> implements ProxyHandler<object> {
	#real: Real | undefined;

	protected abstract make(): Real;

	get(_target: object, name: string | symbol): unknown {
		const value: unknown = Reflect.get(this.real, name, this.real);
		return typeof value === "function" ? value.bind(this.real) : value;
	}

	has(_target: object, name: string | symbol): boolean {
		return Reflect.has(this.real, name);
	}

	getPrototypeOf(): object | null {
		return Reflect.getPrototypeOf(this.real);
	}

	protected get real(): Real {
		this.#real ??= this.make();
		return this.#real;
	}
}

/** The last request whose URL somebody wanted. */
let last: { readonly path: string; readonly host: string | undefined; readonly url: string } = {
	path: "/",
	host: "localhost",
	url: "http://localhost/",
};

class LazyRequest extends Lazy<Request> {
	readonly #original: Original;
	#url: string | undefined;
	#headers: Headers | undefined;

	constructor(original: Original) {
		super();
		this.#original = original;
	}

	/** Hocuspocus looks at these two of every request. */
	override get(target: object, name: string | symbol): unknown {
		if (name === "url") return this.#webUrl();
		if (name !== "headers") return super.get(target, name);
		this.#headers ??= new Proxy({}, new LazyHeaders(this.#original.fields)) as Headers;
		return this.#headers;
	}

	/** Most clients ask for the same as the one before. */
	#knownUrl(): string {
		const { url, host } = this.#original;
		if (url !== last.path || host !== last.host) last = { path: url, host, url: toWebUrl(this.#original) };
		return last.url;
	}

	protected override make(): Request {
		return new Request(this.#webUrl(), { headers: toHeaders(this.#original.fields) });
	}

	#webUrl(): string {
		this.#url ??= this.#knownUrl();
		return this.#url;
	}
}

class LazyHeaders extends Lazy<Headers> {
	readonly #fields: string;

	constructor(fields: string) {
		super();
		this.#fields = fields;
	}

	protected override make(): Headers {
		return toHeaders(this.#fields);
	}
}

function toHeaders(fields: string): Headers {
	const headers = new Headers();
	const lines = fields === "" ? [] : fields.split("\n");
	for (let at = 0; at < lines.length; at += 2) headers.append(lines[at] ?? "", lines[at + 1] ?? "");
	return headers;
}

function toWebUrl({ url: path, host = "localhost" }: Original): string {
	const url = URL.parse(path, `http://${host}`) ?? new URL("http://localhost/");
	// `Request` refuses a URL with credentials.
	url.username = "";
	url.password = "";
	return url.href;
}
