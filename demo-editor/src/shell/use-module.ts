import { useEffect, useState } from "react";

type Loading<T> =
	| { readonly status: "loading" }
	| { readonly status: "loaded"; readonly value: T }
	| { readonly status: "failed"; readonly error: unknown };

/**
 * What an `import()` brings, undefined until then. Instead of React's `lazy`, which shows what has arrived up to 300 ms
 * late so that fallbacks don't flash; ours are empty.
 * @param load The same function each time.
 * @throws What `load` rejects with, when rendering.
 */
export function useModule<T>(load: () => Promise<T>): T | undefined {
	const [state, setState] = useState<{ load: () => Promise<T>; loading: Loading<T> }>();
	useEffect(() => {
		let isWanted = true;
		const show = (loading: Loading<T>) => isWanted && setState({ load, loading });
		load().then(
			(value) => show({ status: "loaded", value }),
			(error: unknown) => show({ status: "failed", error }),
		);
		return () => {
			isWanted = false;
		};
	}, [load]);
	if (state?.load !== load) return undefined;
	if (state.loading.status === "failed") throw state.loading.error;
	return state.loading.status === "loaded" ? state.loading.value : undefined;
}
