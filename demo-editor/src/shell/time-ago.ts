const steps: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
	["day", 86_400_000],
	["hour", 3_600_000],
	["minute", 60_000],
];

/** "3 hours ago"; under a minute, "just now". Pure. */
export function timeAgo(thenMs: number, nowMs: number): string {
	const format = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
	for (const [unit, unitMs] of steps) {
		const count = Math.floor((nowMs - thenMs) / unitMs);
		if (count >= 1) return format.format(-count, unit);
	}
	return "just now";
}
