/** What to do about errors of Node.js, SQLite and Postgres, for the person at the keyboard. */

/** Why a file can't be read, to be read after "can't be read". */
export function whyUnreadable(error: unknown): string {
	switch ((error as NodeJS.ErrnoException).code) {
		case "ENOENT":
			return "there is no such file";
		case "EACCES":
		case "EPERM":
			return "this process may not read it";
		case "EISDIR":
			return "it is a folder";
		default:
			return (error as Error).message;
	}
}

const ways: readonly (readonly [says: RegExp, advice: string])[] = [
	[
		/ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|timeout/i,
		"Does it run there, and does a firewall let this machine through?",
	],
	[/ENOTFOUND|EAI_AGAIN/, "Check the host in the URL, and DNS."],
	[/28P01|28000|SASL|password/i, "Check user and password in the URL."],
	[/3D000/, "Create the database, or correct its name in the URL."],
	[
		/FULL|IOERR|ENOSPC|disk/,
		"Is the disk full, or broken? `df -h` and `dmesg` say so. What was acknowledged is not lost.",
	],
];

/** What to do about a store that can't be opened, by what it says; nothing for what nobody has thought of. */
export function adviceOnStore(message: string): string | undefined {
	return ways.find(([says]) => says.test(message))?.[1];
}
