import { statfs } from "node:fs/promises";
import type { MetricSink } from "../extensions/metrics/index.ts";

/** Of a folder with a database in it. */
export function declareDiskMetrics(sink: MetricSink, folder: string): void {
	const bytes = async (of: "bavail" | "blocks") => {
		try {
			const disk = await statfs(folder);
			return disk[of] * disk.bsize;
		} catch {
			// Not every system tells, and that is no reason to tell nothing else.
			return undefined;
		}
	};
	sink.gauge("indelible_disk_free_bytes", "Room on the disk of the data folder", () => bytes("bavail"));
	sink.gauge("indelible_disk_size_bytes", "Size of that disk", () => bytes("blocks"));
}
