import type { Finding } from "./finding.ts";
import { withoutPassword } from "./trial.ts";
import { reasonOf } from "./trial-client.ts";

const deadlineMs = 10_000;
const bytesMax = 64 * 1024;

/** What HTTP says: whether nodes are ready, and whether what is for operators can be seen by everybody. */
export async function checkExposure(url: URL): Promise<Finding[]> {
	const readiness = await ask(url, "/readyz");
	const findings = [judgeReadiness(readiness)];
	if (readiness.status === 0) return findings;
	const metrics = await ask(url, "/metrics");
	// Nodes read it as the same, and not every balancer does.
	const disguised = await ask(url, "/%6detrics");
	const admin = await ask(url, "/admin");
	const api = await ask(url, "/api/auth/revoke", "POST");
	const open = [
		...(metrics.text.includes("# HELP") ? ["/metrics"] : []),
		...(!metrics.text.includes("# HELP") && disguised.text.includes("# HELP")
			? ["/metrics as /%6detrics"]
			: []),
		...(admin.status === 200 && /indelible/i.test(admin.text) ? ["/admin"] : []),
		...(api.status === 401 && api.text.includes("admin token") ? ["/api"] : []),
	];
	if (open.length === 0) {
		const detail = "/metrics, /admin and /api are not passed on to the outside";
		return [...findings, { check: "operators", result: "ok", detail }];
	}
	findings.push({
		check: "operators",
		result: "warning",
		detail: `everybody who reaches this address reaches ${open.join(", ")}`,
		advice:
			"Have the balancer answer them with 404, as the configurations in deploy/ do, and ask the nodes directly.",
	});
	return findings;
}

interface Answer {
	/** 0 when there was none. */
	readonly status: number;
	readonly text: string;
}

/** Of the host itself: that is where balancers pass paths on that nodes have. */
async function ask(url: URL, path: string, method: "GET" | "POST" = "GET"): Promise<Answer> {
	const { url: bare, headers } = withoutPassword(url);
	const at = new URL(path, bare);
	at.protocol = url.protocol === "wss:" ? "https:" : "http:";
	try {
		const signal = AbortSignal.timeout(deadlineMs);
		const response = await fetch(at, { method, headers, redirect: "manual", signal });
		return { status: response.status, text: await beginning(response) };
	} catch (error) {
		return { status: 0, text: reasonOf((error as Error).cause ?? error) };
	}
}

async function beginning(response: Response): Promise<string> {
	const chunks: Uint8Array[] = [];
	let bytes = 0;
	for await (const chunk of response.body ?? []) {
		chunks.push(chunk);
		bytes += chunk.byteLength;
		if (bytes > bytesMax) break;
	}
	return Buffer.concat(chunks).toString();
}

function judgeReadiness({ status, text }: Answer): Finding {
	const check = "readiness";
	if (status === 0)
		return {
			check,
			result: "warning",
			detail: `HTTP is not answered: ${text}`,
			advice: "It may be meant so. Balancers need /readyz of the nodes themselves.",
		};
	const state = parseReadiness(text);
	if (state === undefined)
		return {
			check,
			result: "ok",
			detail: `/readyz is not passed on (HTTP ${status}); ask the nodes themselves`,
		};
	const { ready, reasons, degraded } = state;
	if (!ready) {
		const advice = "docs/operations.md, Watch, says what to do.";
		return { check, result: "problem", detail: `a node is not ready: ${reasons.join("; ")}`, advice };
	}
	if (degraded.length === 0) return { check, result: "ok", detail: "/readyz: a node is ready" };
	const advice = "Edits reach people on other nodes through the database meanwhile, and cursors don't.";
	return { check, result: "warning", detail: `a node is ready, but ${degraded.join("; ")}`, advice };
}

function parseReadiness(text: string): { ready: boolean; reasons: string[]; degraded: string[] } | undefined {
	try {
		const { ready, reasons = [], degraded = [] } = JSON.parse(text);
		return typeof ready === "boolean"
			? { ready, reasons: reasons.map(String), degraded: degraded.map(String) }
			: undefined;
	} catch {
		return undefined;
	}
}
