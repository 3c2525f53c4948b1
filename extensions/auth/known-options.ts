/**
 * Refuses names that nothing reads: with a letter that is wrong, a key or an issuer would be asked of nobody.
 * @param known All that there are.
 * @throws {TypeError}
 */
export function refuseUnknown(what: string, options: object, known: Readonly<Record<string, true>>): void {
	const unknown = Object.keys(options).find((name) => !Object.hasOwn(known, name));
	if (unknown === undefined) return;
	throw new TypeError(`${what} has no option ${unknown}; there are ${Object.keys(known).join(", ")}`);
}
