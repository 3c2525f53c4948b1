import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { percent, table } from "./show.ts";

/** When something was measured, in µs of the machine's monotonic clock, by which V8 dates its samples. */
export interface Window {
	readonly fromUs: number;
	readonly toUs: number;
}

interface CpuProfile {
	readonly nodes: readonly {
		readonly id: number;
		readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
	}[];
	readonly startTime: number;
	readonly samples: readonly number[];
	readonly timeDeltas: readonly number[];
}

const functionsShown = 25;
/** Threads that do less than this are left out. */
const busyShareMin = 0.02;

export function nowUs(): number {
	return Number(process.hrtime.bigint() / 1000n);
}

/**
 * The functions that most time was spent in themselves, for each thread of a process that had much to do.
 * @param folder Where it wrote its CPU profiles when it ended; named by Node.
 * @param window What counts; all of its life by default.
 */
export function describeProfiles(folder: string, pid: number, window: Window | undefined): string {
	const names = readdirSync(folder).filter((name) => name.includes(`.${pid}.`));
	const said = names.sort().map((name) => describeProfile(join(folder, name), window));
	return said.filter((text) => text !== undefined).join("\n\n");
}

function describeProfile(path: string, window: Window | undefined): string | undefined {
	const profile: CpuProfile = JSON.parse(readFileSync(path, "utf8"));
	const selfUs = selfTimes(profile, window);
	const total = [...selfUs.values()].reduce((sum, us) => sum + us, 0);
	const idle = selfUs.get("(idle)") ?? 0;
	if (total === 0 || (total - idle) / total < busyShareMin) return undefined;
	const top = [...selfUs].sort(([, a], [, b]) => b - a).slice(0, functionsShown);
	const rows = top.map(([name, us]) => [name, percent(us / total)]);
	return `${basename(path)}\n\n${table(["function", "self"], rows)}`;
}

function selfTimes(profile: CpuProfile, window: Window | undefined): Map<string, number> {
	const names = new Map(profile.nodes.map((node) => [node.id, nameOf(node.callFrame)]));
	const selfUs = new Map<string, number>();
	let atUs = profile.startTime;
	for (const [n, id] of profile.samples.entries()) {
		// From the sample before it to this one.
		const deltaUs = profile.timeDeltas[n] ?? 0;
		atUs += deltaUs;
		if (window !== undefined && (atUs < window.fromUs || atUs > window.toUs)) continue;
		const name = names.get(id) ?? "?";
		selfUs.set(name, (selfUs.get(name) ?? 0) + deltaUs);
	}
	return selfUs;
}

function nameOf({ functionName, url, lineNumber }: CpuProfile["nodes"][number]["callFrame"]): string {
	const name = functionName === "" ? "(anonymous)" : functionName;
	if (url === "") return name;
	const place = url.replace(/^.*\/node_modules\//, "").replace(/^.*\/(?=(?:server|extensions|bench)\/)/, "");
	return `${name} ${place}:${lineNumber + 1}`;
}
