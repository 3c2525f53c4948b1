/** Numbers as people read them. Pure. */

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function whole(value: number): string {
	return grouped.format(value);
}

/** Three digits, more or less: `0.4`, `12`, `1.2k`, `15k`, `3.4M`. */
export function compact(value: number): string {
	const size = Math.abs(value);
	if (size >= 999_500) return `${digits(value / 1_000_000)}M`;
	if (size >= 9_995) return `${digits(value / 1_000)}k`;
	if (size >= 1_000) return grouped.format(value);
	return digits(value);
}

export function bytes(value: number): string {
	const units = ["B", "KiB", "MiB", "GiB", "TiB"];
	let scaled = value;
	let unit = 0;
	while (scaled >= 999.5 && unit < units.length - 1) {
		scaled /= 1024;
		unit += 1;
	}
	return `${unit === 0 ? Math.round(scaled) : digits(scaled)} ${units[unit]}`;
}

export function milliseconds(value: number): string {
	return value >= 1_000 ? `${digits(value / 1_000)} s` : `${digits(value)} ms`;
}

export function percent(share: number): string {
	return `${Math.round(share * 100)} %`;
}

/** `12 s`, `5 min`, `3 h`, `8 d`. */
export function span(ms: number): string {
	const seconds = Math.max(0, Math.round(ms / 1_000));
	if (seconds < 60) return `${seconds} s`;
	if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
	if (seconds < 48 * 3_600) return `${Math.floor(seconds / 3_600)} h`;
	return `${Math.floor(seconds / 86_400)} d`;
}

export function ago(atMs: number | null, nowMs: number): string {
	if (atMs === null) return "–";
	return nowMs - atMs < 1_500 ? "now" : `${span(nowMs - atMs)} ago`;
}

/** Within a sentence: what others have written in it turns no letters round outside of itself. */
export function isolated(text: string): string {
	return `\u2068${text}\u2069`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
	return `${whole(count)} ${count === 1 ? one : many}`;
}

function digits(value: number): string {
	const size = Math.abs(value);
	if (size === 0) return "0";
	if (size < 0.095) return value.toFixed(2);
	if (size < 9.95) return String(Number(value.toFixed(1)));
	return String(Math.round(value));
}
