import { useEffect, useState } from "react";
import type * as Y from "yjs";
import { DocumentSession } from "./document-session.ts";

/** Opens the document while the component is there. undefined until it is. */
export function useSession(documentName: string): DocumentSession | undefined {
	const [session, setSession] = useState<DocumentSession>();
	useEffect(() => {
		const opened = new DocumentSession(documentName);
		setSession(opened);
		return () => {
			setSession(undefined);
			opened.destroy();
		};
	}, [documentName]);
	return session?.name === documentName ? session : undefined;
}

/** A text in a shared map, and how to set it. Anything that is not a text counts as empty. */
export function useSharedText(map: Y.Map<unknown>, key: string): [string, (value: string) => void] {
	const read = () => {
		const value = map.get(key);
		return typeof value === "string" ? value : "";
	};
	const [value, setValue] = useState(read);
	useEffect(() => {
		const refresh = () => setValue(read());
		refresh();
		map.observe(refresh);
		return () => map.unobserve(refresh);
	});
	return [value, (next) => map.set(key, next)];
}
