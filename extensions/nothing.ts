/**
 * What a hook returns that had nothing to do. One for all: a promise of its own for each hook and each client that comes costs more than all that
 * most of them do.
 */
export const nothing: Promise<undefined> = Promise.resolve(undefined);
