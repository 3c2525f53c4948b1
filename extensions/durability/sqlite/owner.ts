import { lchownSync, lstatSync } from "node:fs";
import { dirname } from "node:path";

/**
 * What the superuser makes in somebody else's folder becomes theirs, as SQLite does it for the files beside a database. Otherwise a
 * command that was run by root keeps the node, which is not, from starting.
 */
export function giveToFolderOwner(path: string): void {
	if (process.geteuid?.() !== 0) return;
	const { uid, gid } = lstatSync(dirname(path));
	if (uid !== 0 && lstatSync(path).uid === 0) lchownSync(path, uid, gid);
}
