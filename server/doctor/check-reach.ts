import { lookup } from "node:dns/promises";
import { connect as connectTcp, isIP } from "node:net";
import { connect as connectTls, type PeerCertificate } from "node:tls";
import type { Finding } from "./finding.ts";
import { reasonOf } from "./trial-client.ts";

export interface Reach {
	readonly findings: readonly Finding[];
	/** Whether an editor would get any further. */
	readonly canGoOn: boolean;
}

const deadlineMs = 10_000;
const dayMs = 24 * 60 * 60_000;
/** Automatic renewal is usually done a month before the end. */
const daysLeftMin = 14;

/** Whether the name is known, somebody listens there, and browsers will trust the certificate. */
export async function checkReach(url: URL): Promise<Reach> {
	const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
	const port = Number(url.port || (url.protocol === "wss:" ? 443 : 80));
	const findings: Finding[] = [];
	if (isIP(host) === 0) {
		const named = await checkName(host);
		findings.push(named);
		if (named.result === "problem") return { findings, canGoOn: false };
	}
	const reached = url.protocol === "wss:" ? await checkTls(host, port) : await checkPlain(host, port);
	findings.push(reached);
	return { findings, canGoOn: reached.result !== "problem" };
}

async function checkName(host: string): Promise<Finding> {
	const check = "name";
	try {
		const addresses = await lookup(host, { all: true });
		return {
			check,
			result: "ok",
			detail: `${host} is ${addresses.map(({ address }) => address).join(", ")}`,
		};
	} catch (error) {
		const { code = "an error" } = error as NodeJS.ErrnoException;
		return {
			check,
			result: "problem",
			detail: `${host} is not known (${code})`,
			advice: "Check the URL and DNS.",
		};
	}
}

async function checkPlain(host: string, port: number): Promise<Finding> {
	const check = "connection";
	const problem = await new Promise<string | undefined>((resolve) => {
		const socket = connectTcp({ host, port, timeout: deadlineMs });
		socket.once("connect", () => resolve(undefined));
		socket.once("timeout", () => resolve("nobody answers"));
		socket.once("error", (error) => resolve(reasonOf(error)));
		socket.once("close", () => resolve("closed at once"));
		socket.on("connect", () => socket.destroy()).on("timeout", () => socket.destroy());
	});
	if (problem !== undefined) return unreachable(host, port, problem);
	if (isOfThisMachine(host)) return { check, result: "ok", detail: `${host}:${port} answers, without TLS` };
	return {
		check,
		result: "warning",
		detail: `${host}:${port} answers, without TLS: everybody on the way can read and change documents and tokens`,
		advice: "Serve wss:// to people: by the balancer, or by --tls-cert and --tls-key.",
	};
}

function unreachable(host: string, port: number, problem: string): Finding {
	return {
		check: "connection",
		result: "problem",
		detail: `${host}:${port} can't be reached: ${problem}`,
		advice: "Is the balancer running, and does a firewall let this machine through?",
	};
}

function isOfThisMachine(host: string): boolean {
	return host === "localhost" || host === "::1" || /^127\./.test(host);
}

function checkTls(host: string, port: number): Promise<Finding> {
	return new Promise((resolve) => {
		const name = isIP(host) === 0 ? { servername: host } : {};
		// It is looked at even when it can't be trusted.
		const socket = connectTls({ host, port, ...name, rejectUnauthorized: false, timeout: deadlineMs });
		socket.once("secureConnect", () => {
			const { authorizationError: untrusted } = socket;
			const protocol = socket.getProtocol() ?? "TLS";
			resolve(judgeCertificate(socket.getPeerCertificate(), protocol, untrusted, Date.now()));
			socket.destroy();
		});
		socket.once("timeout", () => {
			resolve(unreachable(host, port, "nobody answers"));
			socket.destroy();
		});
		socket.once("error", (error) => resolve(unreachable(host, port, reasonOf(error))));
		socket.once("close", () => resolve(unreachable(host, port, "closed before TLS was agreed on")));
	});
}

/** @param untrusted OpenSSL's code of what is wrong with it, such as `CERT_HAS_EXPIRED`. */
function judgeCertificate(
	certificate: PeerCertificate,
	protocol: string,
	untrusted: Error | string | undefined | null,
	nowMs: number,
): Finding {
	const check = "TLS";
	const endsMs = Date.parse(certificate.valid_to);
	const days = Math.floor((endsMs - nowMs) / dayMs);
	const until = new Date(endsMs).toISOString().slice(0, 10);
	if (endsMs < nowMs) {
		const detail = `the certificate has expired on ${until}; browsers refuse to connect`;
		return {
			check,
			result: "problem",
			detail,
			advice: "Renew it, and find out why that was not done by itself.",
		};
	}
	const code = String((untrusted as NodeJS.ErrnoException | null)?.code ?? untrusted ?? "");
	if (code !== "")
		return {
			check,
			result: "problem",
			detail: `the certificate can't be trusted: ${code}`,
			advice: adviceFor(code),
		};
	const detail = `${protocol}, a certificate that is good for ${days} more days`;
	if (days >= daysLeftMin) return { check, result: "ok", detail };
	return { check, result: "warning", detail, advice: "Renew it now." };
}

function adviceFor(code: string): string {
	if (code.includes("ALTNAME")) return "It is for another name. Get one for the name in the URL.";
	if (code.includes("UNABLE_TO_VERIFY_LEAF") || code.includes("UNABLE_TO_GET_ISSUER"))
		return "Serve the whole chain, not the certificate alone. An authority of your own: NODE_EXTRA_CA_CERTS.";
	if (code.includes("SELF_SIGNED"))
		return "Browsers refuse it unless they know its authority. If this machine should know it: NODE_EXTRA_CA_CERTS.";
	return "Browsers refuse to connect.";
}
