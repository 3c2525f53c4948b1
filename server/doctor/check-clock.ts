import type { Finding } from "./finding.ts";
import { headerOf, type SocketFacts } from "./trial-client.ts";

const aheadMsMax = 1_000;

/** Compares the node's clock with this machine's. Tokens and tickets are good from and until a time. */
export function checkClock(facts: SocketFacts): Finding {
	const said = saidTime(facts);
	// The answer was written about half way between question and answer; `Date` is a whole second, rounded down.
	const aheadMs = said === undefined ? Number.NaN : said.ms - (facts.atMs - facts.tookMs / 2);
	return judgeClock({ who: said?.who ?? "", aheadMs, doubtMs: facts.tookMs / 2 + (said?.roundedMs ?? 0) });
}

interface SaidTime {
	readonly who: string;
	readonly ms: number;
	readonly roundedMs: number;
}

function saidTime(facts: SocketFacts): SaidTime | undefined {
	const own = Number(headerOf(facts, "x-indelible-time"));
	if (own > 0) return { who: "the node's clock", ms: own, roundedMs: 0 };
	const date = Date.parse(headerOf(facts, "date") ?? "");
	if (Number.isNaN(date)) return undefined;
	return { who: "the clock of whatever answers", ms: date + 500, roundedMs: 500 };
}

/** @param doubtMs How wrong `aheadMs` may be. */
export function judgeClock({
	who,
	aheadMs,
	doubtMs,
}: {
	readonly who: string;
	readonly aheadMs: number;
	readonly doubtMs: number;
}): Finding {
	const check = "clock";
	if (Number.isNaN(aheadMs))
		return { check, result: "ok", detail: "the answer does not say what time it is there" };
	const differenceS = (Math.abs(aheadMs) / 1_000).toFixed(1);
	const direction = aheadMs > 0 ? "ahead of" : "behind";
	if (Math.abs(aheadMs) - doubtMs <= aheadMsMax)
		return { check, result: "ok", detail: `${who} agrees with this machine's` };
	return {
		check,
		result: "warning",
		detail: `${who} is ${differenceS} s ${direction} this machine's`,
		advice:
			"Tokens and tickets expire at the wrong time. Run a time service (chrony, systemd-timesyncd) on both.",
	};
}
