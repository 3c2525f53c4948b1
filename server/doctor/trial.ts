import { randomInt } from "node:crypto";

/** A running deployment, as its checks need it. */
export interface Deployment {
	readonly url: URL;
	readonly token: string;
	readonly documentName: string;
	readonly adminToken: string | undefined;
}

/** A key or a name of one's own, that no other doctor takes at the same time. */
export function mark(): string {
	return `doctor-${randomInt(2 ** 47).toString(36)}`;
}
