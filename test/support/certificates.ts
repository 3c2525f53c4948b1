import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { programFolder } from "../../scripts/services/programs.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** Paths of PEM files. */
export interface Certificates {
	/** Of an authority that nobody knows. */
	readonly authority: string;
	readonly certificate: string;
	readonly key: string;
	/** Contents of {@link authority}. */
	readonly authorityText: string;
}

export interface CertificateOptions {
	/** How long it is good, from now; less than nothing for one that has expired. */
	readonly days?: number;
	readonly names?: string;
}

/** Certificates of a server that is called `localhost` and is at 127.0.0.1, unless `names` says otherwise. */
export function makeCertificates({
	days = 2,
	names = "DNS:localhost,IP:127.0.0.1",
}: CertificateOptions = {}): Certificates {
	const folder = temporaryFolder();
	const program = join(
		programFolder({ title: "OpenSSL", names: ["openssl"], debianPackage: "openssl" }),
		"openssl",
	);
	const openssl = (...parameters: string[]) =>
		execFileSync(program, parameters, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
	const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
	openssl("req", "-x509", ...newKey, ..."-keyout ca.key -out ca.pem -days 2 -subj /CN=nobody".split(" "));
	openssl(
		"req",
		...newKey,
		..."-keyout key.pem -out request.pem -subj /CN=localhost -addext".split(" "),
		`subjectAltName=${names}`,
	);
	const signed = `-req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days ${days} -copy_extensions copy`;
	openssl("x509", ...signed.split(" "), "-out", "certificate.pem");
	const authority = join(folder, "ca.pem");
	return {
		authority,
		authorityText: readFileSync(authority, "utf8"),
		certificate: join(folder, "certificate.pem"),
		key: join(folder, "key.pem"),
	};
}
