/** Browsers may refuse storage, or lose it; the editors work without. */
export function readStored(key: string): unknown {
	try {
		return JSON.parse(localStorage.getItem(`indelible:${key}`) ?? "null");
	} catch {
		return null;
	}
}

/** `undefined` removes it. */
export function writeStored(key: string, value: unknown): void {
	try {
		if (value === undefined) localStorage.removeItem(`indelible:${key}`);
		else localStorage.setItem(`indelible:${key}`, JSON.stringify(value));
	} catch {
		// Full or forbidden: it is forgotten with this page.
	}
}

/** Calls back when another tab of this browser has written `key`. */
export function onStoredElsewhere(key: string, listener: () => void): void {
	addEventListener("storage", (event) => {
		if (event.key === `indelible:${key}` || event.key === null) listener();
	});
}
