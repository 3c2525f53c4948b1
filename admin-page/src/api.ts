import type {
	ClusterConnection,
	ClusterDocumentList,
	DocumentFacts,
	DocumentSort,
	NodeAnswer,
	Outcome,
} from "../../server/admin/facts.ts";

/** Whose access is to end; without `document`, in all of them. */
export interface RevocationWish {
	readonly user: string;
	readonly document?: string;
	readonly action: "close" | "readonly";
}

export interface StoredDocument {
	readonly name: string;
	/** In the store. */
	readonly bytes: number;
}

export interface StoredPage {
	readonly documents: readonly StoredDocument[];
	/** The name after which the next page begins; `null` at the end. */
	readonly next: string | null;
}

const storedPageSize = 50;

const storedUnder = "indelible:admin-token";

/** The node does not take the token. */
export class RefusedError extends Error {
	override readonly name = "RefusedError";
}

/** The node has answered that it can't. */
export class AnswerError extends Error {
	override readonly name = "AnswerError";
	readonly status: number;

	constructor(message: string, status: number) {
		super(message);
		this.status = status;
	}
}

/** For this tab, and no longer. */
export function storedToken(): string | undefined {
	try {
		return sessionStorage.getItem(storedUnder) ?? undefined;
	} catch {
		return undefined;
	}
}

export function storeToken(token: string | undefined): void {
	try {
		if (token === undefined) sessionStorage.removeItem(storedUnder);
		else sessionStorage.setItem(storedUnder, token);
	} catch {
		// Forbidden: the page asks again after a reload.
	}
}

const wrongToken = "This is not the admin token of this node.";

/** @throws {RefusedError} @throws {AnswerError} @throws {TypeError} when the node can't be reached. */
export async function ask(path: string, token: string, init: RequestInit = {}): Promise<Response> {
	// No node takes another one, and no header could carry it.
	if (!/^[\x20-\x7e]+$/.test(token)) throw new RefusedError(wrongToken);
	const headers = { ...init.headers, Authorization: `Bearer ${token}` };
	const response = await fetch(`/api/${path}`, { ...init, headers, cache: "no-store" });
	if (response.ok) return response;
	const body = (await response.json().catch(() => ({}))) as { error?: string; detail?: string };
	const message = body.error ?? body.detail ?? `HTTP ${response.status}`;
	if (response.status === 401) throw new RefusedError(wrongToken);
	throw new AnswerError(message, response.status);
}

/** What the page asks for besides the events. */
export class Api {
	readonly #token: string;

	constructor(token: string) {
		this.#token = token;
	}

	documents(query: { search: string; sort: DocumentSort; limit: number }): Promise<ClusterDocumentList> {
		const { search, sort, limit } = query;
		return this.#get("admin/documents", { search, sort, limit: String(limit) });
	}

	async document(name: string, isMeasured: boolean): Promise<readonly NodeAnswer<DocumentFacts>[]> {
		const query: Record<string, string> = isMeasured ? { name, measure: "1" } : { name };
		return (await this.#get<{ nodes: readonly NodeAnswer<DocumentFacts>[] }>("admin/document", query)).nodes;
	}

	async slowReaders(limit: number): Promise<readonly ClusterConnection[]> {
		const query = { limit: String(limit) };
		return (await this.#get<{ readers: readonly ClusterConnection[] }>("admin/slow-readers", query)).readers;
	}

	/** @returns How many connections of the node that is asked it has met; the others follow. */
	async revoke(wish: RevocationWish): Promise<number> {
		return (await this.#post<{ connections: number }>("auth/revoke", wish)).connections;
	}

	closeConnection(id: string): Promise<Outcome> {
		return this.#post("admin/close-connection", { id });
	}

	async unload(name: string): Promise<readonly NodeAnswer<Outcome>[]> {
		return (await this.#post<{ nodes: readonly NodeAnswer<Outcome>[] }>("admin/unload", { name })).nodes;
	}

	/** By name. @param query Only names that begin with `prefix`, behind `after`. */
	stored({ prefix, after }: { prefix: string; after: string | undefined }): Promise<StoredPage> {
		const query = { prefix, limit: String(storedPageSize) };
		return this.#get("documents", after === undefined ? query : { ...query, after });
	}

	/** For good, on all nodes. */
	async deleteDocument(name: string): Promise<void> {
		await ask(`documents?${new URLSearchParams({ name })}`, this.#token, { method: "DELETE" });
	}

	drain(node: string): Promise<Outcome> {
		return this.#post("admin/drain", { node });
	}

	async #get<Body>(path: string, query: Readonly<Record<string, string>>): Promise<Body> {
		return (await (await ask(`${path}?${new URLSearchParams(query)}`, this.#token)).json()) as Body;
	}

	async #post<Body>(path: string, body: object): Promise<Body> {
		const headers = { "Content-Type": "application/json" };
		const init = { method: "POST", headers, body: JSON.stringify(body) };
		return (await (await ask(path, this.#token, init)).json()) as Body;
	}
}
