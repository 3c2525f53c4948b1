const schemes = new Set(["http:", "https:", "mailto:"]);

/** Completes what people type. @returns undefined when it is no address, or one that could run code. Pure. */
export function webAddress(typed: string): string | undefined {
	const text = typed.trim();
	if (text === "" || /\s/.test(text)) return undefined;
	const hasScheme = /^[a-z][a-z0-9+.-]*:(?!\d)/i.test(text);
	const candidate = hasScheme ? text : `https://${text}`;
	if (!URL.canParse(candidate)) return undefined;
	const { protocol, href } = new URL(candidate);
	return schemes.has(protocol) ? href : undefined;
}
