/** What `indelible backup` has its thread do. */
export interface BackupProtocol {
	readonly copy: { readonly ask: BackupTask; readonly answer: BackupCopy };
	readonly end: { readonly ask: undefined; readonly answer: undefined };
}

export interface BackupTask {
	/** The database. */
	readonly source: string;
	/** An empty file, for the copy. */
	readonly unfinished: string;
	/** What the copy will be called, for messages. */
	readonly to: string;
}

export interface BackupCopy {
	/** How many documents there are. */
	readonly total: number;
	readonly damaged: readonly { readonly documentName: string; readonly message: string }[];
}
