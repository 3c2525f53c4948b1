import { kindOf } from "./document-name.ts";
import { onStoredElsewhere, readStored, writeStored } from "./local-storage.ts";
import { cell, type Observable } from "./observable.ts";

export interface RecentDocument {
	readonly name: string;
	/** Empty when it has none. */
	readonly title: string;
	readonly openedAtMs: number;
	/** Made here: it may be edited before the server was ever reached. */
	readonly isOurs: boolean;
}

const rememberedMax = 50;

function stored(): readonly RecentDocument[] {
	const list = readStored("recent");
	if (!Array.isArray(list)) return [];
	return list.filter(
		(item): item is RecentDocument => typeof item?.name === "string" && typeof item?.title === "string",
	);
}

const documents = cell<readonly RecentDocument[]>(stored());
onStoredElsewhere("recent", () => documents.set(stored()));

/** Those opened in this browser, the latest first. */
export const recentDocuments: Observable<readonly RecentDocument[]> = documents;

function write(list: readonly RecentDocument[]): void {
	documents.set(list.slice(0, rememberedMax));
	writeStored("recent", documents.get());
}

function find(name: string): RecentDocument | undefined {
	return stored().find((item) => item.name === name);
}

export function rememberOpened(name: string): void {
	const known = find(name) ?? { name, title: "", isOurs: false };
	write([{ ...known, openedAtMs: Date.now() }, ...stored().filter((item) => item.name !== name)]);
}

export function rememberCreated(name: string): void {
	write([{ name, title: "", isOurs: true, openedAtMs: Date.now() }, ...stored()]);
}

export function rememberTitle(name: string, title: string): void {
	if (find(name)?.title === title) return;
	write(stored().map((item) => (item.name === name ? { ...item, title } : item)));
}

export function forget(name: string): void {
	write(stored().filter((item) => item.name !== name));
}

export function wasMadeHere(name: string): boolean {
	return find(name)?.isOurs === true;
}

/** How a document is listed. */
export function listedTitle(
	{ name, title }: RecentDocument,
	untitled: (kind: ReturnType<typeof kindOf>) => string,
) {
	return title.trim() === "" ? untitled(kindOf(name)) : title;
}
