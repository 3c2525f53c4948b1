/** What a node logs of errors that reach nobody (server/start.ts), or Node.js prints. They are bugs, whatever provoked them [TRN5]. */
const strayErrors =
	/a promise was rejected and nobody handled it|an error was not caught|UnhandledPromiseRejection/;

/** @throws {Error} when a node's output tells of one. */
export function refuseStrayErrors(output: string): void {
	if (strayErrors.test(output)) throw new Error(`a node met an error that nobody handled:\n${output}`);
}
