/** Which document the page's address names: `#/document/…`, so that it can be shared. */
export function documentInAddress(): string | undefined {
	const encoded = /^#\/document\/(.+)$/.exec(location.hash)?.[1];
	if (encoded === undefined) return undefined;
	try {
		return decodeURIComponent(encoded);
	} catch {
		return undefined;
	}
}

export function addressOf(documentName: string): string {
	return `#/document/${encodeURIComponent(documentName)}`;
}
