import { flattened } from "./kept-text.ts";
import type { UpgradeRequest } from "./upgrade-request.ts";

/**
 * The `Request` of the Fetch standard that Hocuspocus hands to hooks. Whatever a client sends, it does not throw.
 *
 * Making one takes longer than all else of a handshake, and most are never looked at: until then it is a text.
 */
export function toWebRequest({ url = "/", headers, rawHeaders }: UpgradeRequest): Request {
	return new LazyRequest(url, headers.host, flattened(rawHeaders.join("\n"))) as unknown as Request;
}

/** What follows `?` in the URL that a client has connected to. */
export function parametersOf({ url }: Request): URLSearchParams {
	const query = url.indexOf("?") + 1;
	return query === 0 ? new URLSearchParams() : new URLSearchParams(url.slice(query));
}

/** The last request whose URL somebody wanted. */
let last: { readonly path: string; readonly host: string | undefined; readonly url: string } = {
	path: "/",
	host: "localhost",
	url: "http://localhost/",
};

/** What stands for an object that is made when something of it is wanted. */
interface Lazy<Real extends object> {
	readonly real: Real;
}

class LazyRequest implements Lazy<Request> {
	readonly #path: string;
	readonly #host: string | undefined;
	/** Names and values of header fields in turn, a line each. */
	readonly #fields: string;
	#url: string | undefined;
	#headers: LazyHeaders | undefined;
	#real: Request | undefined;

	constructor(path: string, host: string | undefined, fields: string) {
		// Shared with the one before, too.
		this.#path = path === last.path ? last.path : path;
		this.#host = host === last.host ? last.host : host;
		this.#fields = fields;
	}

	/** This and the headers are looked at of every request. Most clients ask for the same as the one before, and share one text. */
	get url(): string {
		if (this.#url === undefined) {
			if (this.#path !== last.path || this.#host !== last.host)
				last = { path: this.#path, host: this.#host, url: toWebUrl(this.#path, this.#host) };
			this.#url = last.url;
		}
		return this.#url;
	}

	get headers(): LazyHeaders {
		this.#headers ??= new LazyHeaders(this.#fields);
		return this.#headers;
	}

	get real(): Request {
		this.#real ??= new Request(this.url, { headers: toHeaders(this.#fields) });
		return this.#real;
	}
}

class LazyHeaders implements Lazy<Headers> {
	readonly #fields: string;
	#real: Headers | undefined;

	constructor(fields: string) {
		this.#fields = fields;
	}

	get real(): Headers {
		this.#real ??= toHeaders(this.#fields);
		return this.#real;
	}
}

// Some replace the global class by one of their own, as Hono does: it is the one of the moment.
Object.setPrototypeOf(
	LazyRequest.prototype,
	standFor(() => Request.prototype),
);
Object.setPrototypeOf(
	LazyHeaders.prototype,
	standFor(() => Headers.prototype),
);

/**
 * What lazy objects inherit from. All that objects of a kind can do is done by the real one, and what stands for them is an instance of
 * theirs. Until somebody asks, nobody has named `Request` or `Headers`: that alone has Node.js load undici, 30 ms and 16 MB.
 */
function standFor<Real extends object>(kind: () => Real): object {
	return new Proxy(
		{},
		{
			get(_nothing, name, lazy: Lazy<Real>) {
				const { real } = lazy;
				const value: unknown = Reflect.get(real, name, real);
				return typeof value === "function" ? value.bind(real) : value;
			},
			has: (_nothing, name) => Reflect.has(kind(), name),
			getPrototypeOf: kind,
		},
	);
}

function toHeaders(fields: string): Headers {
	const headers = new Headers();
	const lines = fields === "" ? [] : fields.split("\n");
	for (let at = 0; at < lines.length; at += 2) headers.append(lines[at] ?? "", lines[at + 1] ?? "");
	return headers;
}

function toWebUrl(path: string, host = "localhost"): string {
	const url = URL.parse(path, `http://${host}`) ?? new URL("http://localhost/");
	// `Request` refuses a URL with credentials.
	url.username = "";
	url.password = "";
	// It is for browsers.
	url.hash = "";
	return url.href;
}
