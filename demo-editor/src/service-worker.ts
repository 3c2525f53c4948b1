// Keeps a copy of the app, so that a reload shows it while the server is away. While the server is there, pages come
// from it and never from here. Hashed files never change, so they may.

interface LongEvent extends Event {
	waitUntil(work: Promise<unknown>): void;
}

interface FetchEvent extends LongEvent {
	readonly request: Request;
	respondWith(response: Promise<Response>): void;
}

/** What we use of a service worker's scope: its types and those of a page can't be in one program. */
interface ServiceWorkerScope {
	readonly location: Location;
	readonly clients: { claim(): Promise<void> };
	skipWaiting(): Promise<void>;
	addEventListener(type: "install" | "activate", listener: (event: LongEvent) => void): void;
	addEventListener(type: "fetch", listener: (event: FetchEvent) => void): void;
}

const worker = self as unknown as ServiceWorkerScope;

// The build puts these in.
const files = "the list of files" as unknown as readonly string[];
const cacheName = `indelible-${"the version"}`;

/** A server that does not answer a page within this time is away. */
const patienceMs = 3_000;

worker.addEventListener("install", (event) => {
	event.waitUntil(
		caches
			.open(cacheName)
			.then((cache) => cache.addAll(["/", ...files]))
			.then(() => worker.skipWaiting()),
	);
});

worker.addEventListener("activate", (event) => {
	event.waitUntil(
		caches
			.keys()
			.then((names) => Promise.all(names.filter(isOutdated).map((name) => caches.delete(name))))
			.then(() => worker.clients.claim()),
	);
});

worker.addEventListener("fetch", (event) => {
	const { request } = event;
	const url = new URL(request.url);
	if (request.method !== "GET" || url.origin !== worker.location.origin) return;
	// The operators' page is another app: the editors' is not to be shown in its place.
	if (/^\/(admin|api)(\/|$)/.test(url.pathname)) return;
	if (request.mode === "navigate") event.respondWith(page(request));
	else if (isUnchanging(url.pathname)) event.respondWith(unchanging(request));
});

function isOutdated(name: string): boolean {
	return name.startsWith("indelible-") && name !== cacheName;
}

function isUnchanging(path: string): boolean {
	return path.startsWith("/assets/") || path.startsWith("/fonts/") || files.includes(path);
}

/** Every path shows the same page, so the copy of `/` does for all of them. */
async function page(request: Request): Promise<Response> {
	try {
		const response = await fetch(request, { signal: AbortSignal.timeout(patienceMs) });
		// 502 to 504 come from a proxy in front of a server that is away.
		if (response.status < 502 || response.status > 504) return response;
		return (await caches.match("/", { cacheName })) ?? response;
	} catch (error) {
		const copy = await caches.match("/", { cacheName });
		if (copy === undefined) throw error;
		return copy;
	}
}

async function unchanging(request: Request): Promise<Response> {
	const copy = await caches.match(request, { cacheName });
	if (copy !== undefined) return copy;
	const response = await fetch(request);
	if (response.status === 200) {
		const cache = await caches.open(cacheName);
		// It is a copy for another time: without room for it, this time goes on.
		await cache.put(request, response.clone()).catch(() => {});
	}
	return response;
}

export {};
