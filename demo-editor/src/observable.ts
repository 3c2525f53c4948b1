import { useSyncExternalStore } from "react";

/** A value that changes, and who wants to know. */
export interface Observable<T> {
	get(): T;
	subscribe(listener: () => void): () => void;
}

export interface Cell<T> extends Observable<T> {
	set(value: T): void;
}

export function cell<T>(initial: T): Cell<T> {
	let value = initial;
	const listeners = new Set<() => void>();
	return {
		get: () => value,
		set(next) {
			if (Object.is(value, next)) return;
			value = next;
			for (const listener of [...listeners]) listener();
		},
		subscribe(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
	};
}

export function useObservable<T>({ subscribe, get }: Observable<T>): T {
	return useSyncExternalStore(subscribe, get);
}
