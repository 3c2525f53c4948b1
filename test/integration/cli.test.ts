import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
	chmodSync,
	chownSync,
	copyFileSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { settings } from "../../server/settings.ts";
import { makeCertificates } from "../support/certificates.ts";
import { type Client, openClient } from "../support/client.ts";
import { runCommand } from "../support/command-line.ts";
import { eventually } from "../support/eventually.ts";
import { skipUnlessMounting, smallDisk } from "../support/mounts.ts";
import {
	environmentWithoutSettings,
	freePort,
	type NodeProcess,
	type StartOptions,
	startNodeProcess,
} from "../support/node-process.ts";
import { oldNode } from "../support/old-node.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

/** A node that is gone when the test ends, whatever happens. */
async function startNode(options: Partial<StartOptions> = {}): Promise<NodeProcess> {
	const node = await startNodeProcess({ data: temporaryFolder(), ...options });
	onTestFinished(() => void node.child.kill("SIGKILL"));
	return node;
}

function open(node: { readonly url: string }, name: string, token?: string): Client {
	const client = openClient({ url: node.url, name, ...(token === undefined ? {} : { token }) });
	onTestFinished(() => client.destroy());
	return client;
}

/** A folder with a configuration file. */
function folderWith(text: string, name = "indelible.config.ts"): { folder: string; file: string } {
	const folder = temporaryFolder();
	const file = join(folder, name);
	writeFileSync(file, text);
	return { folder, file };
}

/** A port that somebody listens on. */
async function takenPort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
	onTestFinished(() => void server.close());
	return (server.address() as { port: number }).port;
}

/** A node that does not get rid of a client for as long as a stop may take. */
async function startStubbornly(): Promise<NodeProcess> {
	const node = await startNode({ flags: ["--shutdown-deadline-ms", "600000", "--drain-window-ms", "0"] });
	const ws = new WebSocket(node.url);
	onTestFinished(() => ws.terminate());
	await new Promise((done) => ws.once("open", done));
	ws.pause();
	return node;
}

test("what Node.js has compiled is kept in the user's cache, for that user alone; without a home nothing is kept", async () => {
	const home = temporaryFolder();
	const caching = { XDG_CACHE_HOME: "", NODE_COMPILE_CACHE: undefined };
	const told = await runCommand(["--version"], { environment: { ...caching, HOME: home } });
	expect(told).toMatchObject({ code: 0, output: `${version}\n` });
	const kept = join(home, ".cache", "indelible");
	expect(readdirSync(kept)).not.toEqual([]);
	expect(statSync(kept).mode & 0o777).toBe(0o700);
	const homeless = { ...caching, HOME: join(home, "nowhere") };
	expect(await runCommand(["--version"], { environment: homeless })).toMatchObject({ code: 0, errors: "" });
	expect(readdirSync(home)).toEqual([".cache"]);
});

test.skipIf(process.platform !== "linux")(
	"a server's heap may grow before V8 looks through it, unless memory is short; it stays the same process",
	async () => {
		const flagsOf = async (constrainedMemory: number) => {
			const preload = `data:text/javascript,process.constrainedMemory=()=>${constrainedMemory}`;
			const node = await startNode({ environment: { NODE_OPTIONS: `--import=${preload}` } });
			const [, ...flags] = readFileSync(`/proc/${node.child.pid}/cmdline`, "utf8").split("\0");
			expect(await node.stop()).toBe(0);
			return flags.slice(0, flags.indexOf("start") - 1);
		};
		expect(await flagsOf(2 ** 30)).toEqual(["--initial-heap-size=256"]);
		expect(await flagsOf(2 ** 30 - 1)).toEqual([]);
	},
);

test("to a person a start says where things are, which process it is, and names no editor that is not there", async () => {
	const { output, child, port } = await startNode({ flags: ["--log-format", "pretty"] });
	await eventually("it says so", () => output().includes("Ctrl+C stops it."));
	expect(output()).toMatch(/^ {2}WebSocket +ws:\/\/localhost:\d+$/m);
	expect(output()).toContain(`ws://localhost:${port}`);
	expect(output()).toMatch(new RegExp(`^ {2}Process +${child.pid}$`, "m"));
	expect(output()).not.toContain("Editor");
});

describe("help", () => {
	test("--help and no command at all say what commands there are", async () => {
		const help = await runCommand(["--help"]);
		expect(help).toMatchObject({ code: 0, errors: "" });
		for (const name of ["start", "doctor", "health", "import", "export", "backup"])
			expect(help.output).toContain(`\n  ${name} `);
		expect(await runCommand([])).toMatchObject({ code: 2, errors: expect.stringContaining("  start ") });
	});

	test.for(["start", "doctor"])(
		"%s --help names every setting with its variable and default",
		async (name) => {
			const { code, output } = await runCommand([name, "--help"]);
			const text = output.replace(/\s+/g, " ");
			expect(code).toBe(0);
			for (const { flag, variable, type, initial, initialText } of settings) {
				expect(text).toContain(type === "boolean" && initial === true ? `--no-${flag.slice(2)}` : flag);
				expect(text).toContain(variable);
				if (type !== "boolean") expect(text).toContain(`(default: ${initialText}, env: ${variable})`);
			}
			expect(text).toContain("INDELIBLE_CONFIG");
			// By chapters, and with what is allowed.
			expect(output).toMatch(/^Who may do what:$/m);
			expect(text).toContain("one of trace, debug, info");
			expect(text).toContain("(env: INDELIBLE_DEMO=false)");
		},
	);

	test("import --help names its file, and only the settings that it heeds", async () => {
		const { code, output } = await runCommand(["import", "--help"]);
		expect(code).toBe(0);
		expect(output).toContain("<file>");
		expect(output).toContain("--data");
		expect(output).not.toContain("--port");
	});

	test.for(["--version", "-v"])("%s prints the version", async (flag) => {
		expect(await runCommand([flag])).toEqual({ code: 0, output: `${version}\n`, errors: "" });
	});
});

describe("what it can't know ends it with 2 and a line that names it", () => {
	test.for([
		["a flag", ["start", "--prot", "1"], {}, /unknown option '--prot'.*--port/s],
		["a command", ["strat"], {}, /unknown command 'strat'.*start/s],
		["a flag without its value", ["start", "--port"], {}, /--port <number>.*argument missing/],
		["an argument too many", ["start", "now"], {}, /too many arguments/],
		[
			"a value",
			["start", "--port", "http"],
			{},
			/^indelible: --port .*is "http", but must be a whole number/,
		],
		[
			"a variable",
			["start"],
			{ INDELIBLE_PROT: "1" },
			/^indelible: INDELIBLE_PROT \(from the environment\) is unknown; did you mean INDELIBLE_PORT\?\n$/,
		],
		["a variable, to doctor", ["doctor"], { INDELIBLE_PROT: "1" }, /INDELIBLE_PROT/],
		[
			"the launcher's own variable",
			["doctor"],
			{ INDELIBLE_LAUNCHER: "1" },
			/INDELIBLE_LAUNCHER .*is unknown/,
		],
		[
			"a file",
			["start", "--config", "none.ts"],
			{},
			/^indelible: the configuration file \(from \/.*none\.ts\) does not exist\n$/,
		],
		["a folder in the place of that", ["start", "--config", "."], {}, /configuration file .* is a folder\n$/],
		[
			"an origin without its scheme, which no page has",
			["start", "--allowed-origins", "https://a.example, b.example"],
			{},
			/: "b\.example" has no https:\/\/ in front\n$/,
		],
		[
			"a token that is too short, without saying it",
			["start"],
			{ INDELIBLE_ADMIN_TOKEN: "abcdef" },
			/^indelible: INDELIBLE_ADMIN_TOKEN \(from the environment\) must be at least 16 [^:]*spaces at the ends\n$/,
		],
		["import's file", ["import", "none.sqlite"], {}, /^indelible: .*none\.sqlite does not exist\n$/],
		["import without a file", ["import"], {}, /missing required argument 'file'/],
	] as const)("%s", async ([, args, environment, message]) => {
		const folder = temporaryFolder();
		const { code, output, errors } = await runCommand(args, { folder, environment });
		expect(errors).toMatch(message);
		expect({ code, output }).toEqual({ code: 2, output: "" });
		// Nothing was begun.
		expect(readdirSync(folder)).toEqual([]);
	});

	test("a key in the configuration file, and whatever else is wrong, a line each", async () => {
		const { folder, file } = folderWith(`setInterval(() => {}, 1000); export default { prot: 1, host: "" };`);
		const { code, errors } = await runCommand(["start", "--port", "-1"], { folder });
		expect(errors.trimEnd().split("\n")).toEqual([
			`indelible: prot (from ${file}) is unknown; did you mean port?`,
			`indelible: host (from ${file}) is "", but must be a text that is not empty`,
			"indelible: --port (from the command line) is -1, but must be a whole number from 0 to 65535",
		]);
		expect(code).toBe(2);
	});
});

test.for([
	["throws", "\n\nthrow new Error('no key');", / can't be read: no key \(line 3\)\n$/],
	["is cut off", "export default {\n\tport: 1,\n", / can't be read: .*\(line \d\)\n$/],
] as const)("a configuration file of code that %s is named, with the line", async ([_, text, message]) => {
	const { folder } = folderWith(text);
	const { code, errors } = await runCommand(["start"], { folder });
	expect(errors).toMatch(message);
	expect(code).toBe(2);
});

test.for([
	[
		"TypeScript",
		"ts",
		'import { defineConfig } from "indelible";\nimport { port } from "./port.ts";\nexport default defineConfig({ port });',
	],
	["JavaScript", "js", "// a comment\nexport default { port: 9 };"],
	["CommonJS", "js", "module.exports = { port: 9 };"],
] as const)(
	"a configuration file in %s is read where package.json says commonjs, as npm init writes it",
	async ([_, extension, text]) => {
		const { folder } = folderWith(text, `indelible.config.${extension}`);
		writeFileSync(join(folder, "package.json"), '{ "type": "commonjs" }');
		writeFileSync(join(folder, "port.ts"), "export const port: number = 9;");
		expect(await runCommand(["health"], { folder })).toMatchObject({
			code: 1,
			errors: expect.stringMatching(/^indelible: nobody answers on port 9 /),
		});
	},
);

describe("where it can't work it ends with 2 and a line that says why", () => {
	test("the port is in use; the data is let go of, and a timer of the configuration file does not keep it alive", async () => {
		const port = await takenPort();
		const { folder } = folderWith("setInterval(() => {}, 1000); export default {};");
		const { code, errors } = await runCommand(["start", "--port", String(port)], { folder });
		expect(errors).toBe(
			`indelible: port ${port} on 127.0.0.1 is in use; stop what listens there, or choose another with --port or INDELIBLE_PORT\n`,
		);
		expect(code).toBe(2);
		await startNode({ data: join(folder, "data") });
	});

	test("the host is not this machine's", async () => {
		const data = temporaryFolder();
		const { code, errors } = await runCommand([
			"start",
			"--port",
			"0",
			"--host",
			"192.0.2.1",
			"--data",
			data,
		]);
		expect(errors).toMatch(/^indelible: 192\.0\.2\.1 is not an address of this machine; see --host\n$/);
		expect(code).toBe(2);
	});

	test("the data folder is a file", async () => {
		const { folder } = folderWith("", "data");
		const { code, errors } = await runCommand(["start", "--port", "0"], { folder });
		expect(errors).toMatch(/^indelible: .*\/data.*\n$/);
		expect(code).toBe(2);
	});

	test("the data folder can't be made", async () => {
		const { folder } = folderWith("", "file");
		const { code, errors } = await runCommand(["start", "--port", "0", "--data", "file/data"], { folder });
		expect(errors).toMatch(/^indelible: the data folder \/.*\/file\/data can't be made: .*\n$/);
		expect(code).toBe(2);
	});

	// Node.js' own way of making several folders at once would try for ever there.
	test.skipIf(process.platform !== "linux")("the data folder is where nothing can be made", async () => {
		for (const name of ["start", "doctor"]) {
			const { code, errors, output } = await runCommand([name, "--port", "0", "--data", "/proc/data"]);
			expect(errors + output).toMatch(/\/proc\/data.*ENOENT/);
			expect(code).toBe(name === "start" ? 2 : 1);
		}
	});

	test.skipIf(process.getuid?.() === 0)("the data folder can't be written", async () => {
		const data = temporaryFolder();
		chmodSync(data, 0o500);
		const { code, errors } = await runCommand(["start", "--port", "0", "--data", data]);
		expect(errors).toMatch(/^indelible: .*\n$/);
		expect(errors).toContain(data);
		expect(code).toBe(2);
	});

	test("the disk is full, or Postgres is not there: it ends with 1, and says what to look at", async (context) => {
		const environment = { INDELIBLE_DATABASE_URL: "postgres://somebody:s3cret@127.0.0.1:1/documents" };
		const away = await runCommand(["start", "--port", "0"], { folder: temporaryFolder(), environment });
		expect(away.errors).toBe(
			"indelible: Postgres at postgres://127.0.0.1:1/documents: connect ECONNREFUSED 127.0.0.1:1. Does it run there, and does a firewall let this machine through?\n",
		);
		expect(away.code).toBe(1);
		skipUnlessMounting(context);
		const disk = smallDisk(16 * 1024);
		const full = await runCommand(["start", "--port", "0", "--data", join(disk, "data")]);
		expect(full.errors).toMatch(/^indelible: .*(full|I\/O error).* Is the disk full, or broken\? .*\n$/);
		expect(full.code).not.toBe(0);
	});

	test("another process serves the same data: it is named, and goes on", async () => {
		const data = temporaryFolder();
		const first = await startNode({ data });
		const { code, errors } = await runCommand(["start", "--port", "0", "--data", data]);
		expect(errors).toMatch(/^indelible: .*indelible\.sqlite is in use by process \d+ on \S+ since \S+ /);
		expect(errors).toContain(`process ${first.child.pid} `);
		expect(code).toBe(2);
		const imported = await runCommand(["import", "--data", data, stockDatabase({ one: "text" })]);
		expect(imported).toMatchObject({ code: 2, errors: expect.stringContaining("is in use by process") });
		await open(first, "doc").type("still served").saved();
	});
});

describe("doctor", () => {
	interface Report {
		readonly ok: boolean;
		readonly findings: readonly { check: string; result: string; detail: string; advice?: string }[];
	}

	async function report(args: readonly string[]): Promise<{ code: number | null; report: Report }> {
		const { code, output } = await runCommand(["doctor", "--json", ...args]);
		return { code, report: JSON.parse(output) };
	}

	test("finds nothing wrong with a good place, twice, and leaves only the folder behind", async () => {
		const folder = temporaryFolder();
		const args = ["doctor", "--port", String(await freePort())];
		for (let time = 0; time < 2; time += 1) {
			const { code, output, errors } = await runCommand(args, { folder });
			expect({ code, errors }).toEqual({ code: 0, errors: "" });
			expect(output).not.toContain("PROBLEM");
			for (const check of ["settings", "Node.js", "data", "store", "port", "open files"]) {
				expect(output).toMatch(new RegExp(`^(ok|warning) +${check} `, "m"));
			}
		}
		// Not even the folder: root's would be of no use to a node of another user.
		expect(readdirSync(folder)).toEqual([]);
	});

	test("--json says the same to programs", async () => {
		const data = temporaryFolder();
		const { code, report: found } = await report(["--data", data, "--port", String(await freePort())]);
		expect(code).toBe(0);
		expect(found.ok).toBe(true);
		expect(found.findings.map(({ check }) => check)).toEqual([
			"settings",
			"Node.js",
			"data",
			"store",
			"port",
			"open files",
			"access",
		]);
	});

	test("says who may do what, and how long the certificate is good", async () => {
		const { certificate, key } = makeCertificates({ days: 3 });
		const flags = ["--data", temporaryFolder(), "--port", String(await freePort()), "--host", "0.0.0.0"];
		const open = await report([...flags, "--tls-cert", certificate, "--tls-key", key]);
		expect(open.code).toBe(0);
		const find = ({ findings }: Report, check: string) => findings.find((each) => each.check === check);
		expect(find(open.report, "access")).toMatchObject({
			result: "warning",
			detail: expect.stringContaining("EVERYBODY"),
		});
		expect(find(open.report, "TLS")).toMatchObject({
			result: "warning",
			detail: expect.stringContaining("good for 2 more days"),
		});
		const expired = makeCertificates({ days: -1 });
		const old = await report([...flags, "--tls-cert", expired.certificate, "--tls-key", expired.key]);
		expect(old.code).toBe(1);
		expect(find(old.report, "TLS")).toMatchObject({
			result: "problem",
			detail: "the certificate has expired",
		});
		const closed = await report([...flags, "--require-auth", "--tls-cert", key, "--tls-key", key]);
		expect(closed.code).toBe(1);
		expect(find(closed.report, "access")).toMatchObject({ result: "problem" });
		expect(find(closed.report, "TLS")).toMatchObject({ result: "problem" });
	});

	test("says what is wrong and what to do, and goes on to the next check", async () => {
		const { folder } = folderWith("", "data");
		const port = await takenPort();
		const { code, report: found } = await report(["--data", join(folder, "data"), "--port", String(port)]);
		expect(code).toBe(1);
		expect(found.ok).toBe(false);
		const problems = found.findings.filter(({ result }) => result === "problem");
		expect(problems.map(({ check }) => check)).toEqual(["data", "store", "port"]);
		for (const { advice } of problems) expect(advice).toEqual(expect.any(String));
		expect(problems[2]?.detail).toBe(`${port} on 127.0.0.1 is in use`);
	});

	test.skipIf(process.geteuid?.() !== 0)("by root, what is made in somebody's folder is theirs", async () => {
		const [data, nobody] = [temporaryFolder(), 65534];
		const path = join(data, "indelible.sqlite");
		chownSync(data, nobody, nobody);
		await runCommand(["import", "--data", data, stockDatabase({ one: "text" })]);
		const args = ["--data", data, "--port", String(await freePort())];
		const well = await report(args);
		expect(well.report.findings.find(({ check }) => check === "data")).toMatchObject({ result: "ok" });
		expect(readdirSync(data).sort()).toEqual(["indelible.sqlite", "indelible.sqlite-lock"]);
		for (const name of readdirSync(data)) expect(statSync(join(data, name)).uid).toBe(nobody);
		// As after `cp` from a backup.
		chownSync(path, 0, 0);
		const copied = await report(args);
		expect(copied.report.findings.find(({ check }) => check === "data")).toMatchObject({
			result: "warning",
			detail: expect.stringContaining("indelible.sqlite belongs to another user"),
			advice: expect.stringContaining("chown --reference"),
		});
		expect(statSync(path).uid).toBe(0);
	});

	test("names who holds the data, and a database that is damaged", async () => {
		const data = temporaryFolder();
		const node = await startNode({ data });
		const held = await report(["--data", data, "--port", String(node.port)]);
		expect(held.code).toBe(1);
		const store = held.report.findings.find(({ check }) => check === "store");
		expect(store).toMatchObject({
			result: "problem",
			detail: expect.stringContaining(`in use by process ${node.child.pid} `),
		});
		await node.stop();
		writeFileSync(join(data, "indelible.sqlite"), "no database at all");
		const damaged = await report(["--data", data, "--port", String(node.port)]);
		expect(damaged.code).toBe(1);
		expect(damaged.report.findings.find(({ check }) => check === "store")).toMatchObject({
			result: "problem",
		});
		expect(readFileSync(join(data, "indelible.sqlite"), "utf8")).toBe("no database at all");
	});
});

describe("health", () => {
	test("says whether the node with these settings lives and takes people, with TLS or without", async () => {
		const { certificate, key } = makeCertificates({ days: -1 });
		const [plain, port] = [await startNode(), await freePort()];
		const environment = {
			INDELIBLE_PORT: String(port),
			INDELIBLE_HOST: "0.0.0.0",
			INDELIBLE_TLS_CERT: certificate,
			INDELIBLE_TLS_KEY: key,
		};
		const health = (...flags: string[]) => runCommand(["health", ...flags], { environment });
		const well = { code: 0, output: "", errors: "" };
		expect(await runCommand(["health", "--port", String(plain.port)])).toEqual(well);
		const nobody = `indelible: nobody answers on port ${port} of 0.0.0.0: `;
		expect(await health()).toMatchObject({ code: 1, errors: expect.stringContaining(nobody) });
		const flags = ["start", "--no-demo", "--data", temporaryFolder()];
		const child = spawn(process.execPath, ["bin/indelible.js", ...flags], {
			env: { ...environmentWithoutSettings(), ...environment },
			stdio: ["ignore", "pipe", "inherit"],
		});
		onTestFinished(() => void child.kill("SIGKILL"));
		let output = "";
		child.stdout.on("data", (chunk) => (output += chunk));
		await eventually("the node with TLS", () => output.includes('"listening"'));
		// Which name the certificate is for, and until when, is not the question.
		expect(output).toContain("the certificate has expired");
		expect(await health("--ready")).toEqual(well);
	});

	test("--ready says why it takes nobody, while it lives all the same", async () => {
		const node = await startStubbornly();
		node.child.kill("SIGTERM");
		await eventually("the stop to begin", () => node.output().includes("a second signal ends at once"));
		const flags = ["--port", String(node.port)];
		const ready = await runCommand(["health", "--ready", ...flags]);
		expect(ready).toMatchObject({ code: 1, errors: expect.stringContaining("says 503: ") });
		expect(ready.errors).toContain("the node is draining");
		expect(await runCommand(["health", ...flags])).toMatchObject({ code: 0 });
	});
});

describe("a stop", () => {
	test.for(["SIGTERM", "SIGINT"] as const)(
		"[TRN3] %s: open clients get 1012, everything is on disk, exit code 0",
		async (signal) => {
			const data = temporaryFolder();
			const node = await startNode({ data, flags: ["--drain-window-ms", "200"] });
			const clients = ["a", "b", "c"].map((name) => open(node, name));
			for (const client of clients) await client.type("before").saved();
			expect(await node.stop(signal)).toBe(0);
			for (const client of clients) {
				expect(client.closes[0]).toEqual({ code: 1012, reason: "service-restart" });
				client.type(", meanwhile");
			}
			expect(node.output()).toContain("stopped; everything is on disk");
			await startNode({ data, port: node.port });
			for (const client of clients) await client.saved();
			expect((await open(node, "a").synced()).text.toString()).toBe("before, meanwhile");
		},
	);

	test.for([
		["SIGTERM", 143],
		["SIGINT", 130],
	] as const)("[TRN3] a second %s ends at once with %i", async ([signal, code]) => {
		const node = await startStubbornly();
		node.child.kill(signal);
		await eventually("the stop to begin", () => node.output().includes("a second signal ends at once"));
		await eventually("the end", () => {
			node.child.kill(signal);
			return node.child.exitCode !== null;
		});
		expect(node.child.exitCode).toBe(code);
	});

	test("[TRN3] the echo of a signal is no second one: under npm, one Ctrl+C arrives twice", async () => {
		const node = await startNode();
		const client = await open(node, "doc").type("text").saved();
		node.child.kill("SIGINT");
		node.child.kill("SIGTERM");
		expect(await node.stop("SIGINT")).toBe(0);
		expect(client.closes[0]?.code).toBe(1012);
	});

	test("[TRN3] under npm, whose shell passes SIGTERM on to nobody, the node stops when npm is gone", async () => {
		const port = await freePort();
		const args = ["start", "--", "--no-demo", "--port", String(port), "--data", temporaryFolder()];
		const env = environmentWithoutSettings();
		const npm = spawn("npm", args, { env, stdio: ["ignore", "pipe", "inherit"] });
		let output = "";
		npm.stdout.on("data", (chunk) => (output += chunk));
		const closed = once(npm.stdout, "close");
		await eventually("the node", async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok);
		const client = open({ url: `ws://127.0.0.1:${port}` }, "doc");
		await client.type("text").saved();
		npm.kill("SIGTERM");
		await closed;
		expect(client.closes[0]?.code).toBe(1012);
		expect(output).toContain("stopped; everything is on disk");
	});

	test("[TRN3] a stop that meets its deadline says so and ends with 1", async () => {
		const node = await startNode({ flags: ["--shutdown-deadline-ms", "200", "--drain-window-ms", "0"] });
		const ws = new WebSocket(node.url);
		onTestFinished(() => ws.terminate());
		await new Promise((done) => ws.once("open", done));
		ws.pause();
		expect(await node.stop()).toBe(1);
		expect(node.output()).toContain("stopped at the deadline");
	});
});

describe("a configuration file of code", () => {
	test("its onAuthenticate, seed and hooks are used; it imports from indelible wherever it lies", async () => {
		const { file } = folderWith(`
			import { defineConfig, seedText } from "indelible";
			import { Durability } from "indelible/durability";

			interface Context { user?: string }
			if (typeof Durability !== "function") throw new Error("no Durability");

			export default defineConfig({
				drainWindowMs: 0,
				async onAuthenticate({ token }) {
					if (!token.startsWith("user-")) throw new Error("who are you?");
					return { user: token };
				},
				async seed(documentName, context) {
					return seedText(\`\${documentName} for \${(context as Context).user}\`, { field: "text" });
				},
			});
		`);
		const node = await startNode({ flags: ["--config", file] });
		const client = await open(node, "doc", "user-ann").synced();
		await client.type("!").saved();
		expect(client.text.toString()).toBe("doc for user-ann!");
		expect((await open(node, "doc", "user-bob").synced()).text.toString()).toBe("doc for user-ann!");
		const stranger = open(node, "doc", "nobody");
		await eventually("the stranger to be refused", () => stranger.denials.length > 0);
		expect(await node.stop()).toBe(0);
		// What Hocuspocus prints is in the log as well.
		const lines = node.output().trim().split("\n");
		for (const line of lines) expect(() => JSON.parse(line), line).not.toThrow();
		expect(lines.some((line) => line.includes("who are you?"))).toBe(true);
	});

	test("[TRN5] rejections that nobody handles, in its hooks and timers, are logged and cost nobody anything", async () => {
		const { file } = folderWith(
			`setInterval(() => void Promise.reject(new Error("of a timer")), 20);
			export default {
				async onConnect() { void Promise.reject(new Error("of onConnect")); },
				async onChange() { throw new Error("of onChange"); },
				async onDisconnect() { throw new Error("of onDisconnect"); },
			};`,
			"indelible.config.mjs",
		);
		const node = await startNode({ environment: { INDELIBLE_CONFIG: file }, hasStrayErrors: true });
		const client = await open(node, "doc").type("one").saved();
		(await open(node, "doc").synced()).destroy();
		const parts = ["of a timer", "of onConnect", "of onChange", "of onDisconnect"];
		for (const part of parts) await eventually(part, () => node.output().includes(part));
		await client.type(", two").saved();
		expect(client.closes).toEqual([]);
		expect(await node.stop()).toBe(0);
	});

	test("an error that its timer throws ends the process with 1, named; what was acknowledged is there", async () => {
		const { file } = folderWith(
			`export default { async onStateless() { setTimeout(() => { throw new Error("of a timer") }); } };`,
			"indelible.config.mjs",
		);
		const data = temporaryFolder();
		const node = await startNode({ data, flags: ["--config", file], hasStrayErrors: true });
		const client = await open(node, "doc").type("text").saved();
		client.provider.sendStateless("now");
		await eventually("the end", () => node.child.exitCode !== null);
		expect(node.child.exitCode).toBe(1);
		expect(node.output()).toContain("of a timer");
		client.destroy();
		const again = await startNode({ data });
		expect((await open(again, "doc").synced()).text.toString()).toBe("text");
	});
});

/** The file that a stock server with `@hocuspocus/extension-sqlite` leaves. */
function stockDatabase(texts: Readonly<Record<string, string>>): string {
	const path = join(temporaryFolder(), "stock.sqlite");
	const database = new DatabaseSync(path);
	database.exec(
		`CREATE TABLE "documents" ("name" varchar(255) NOT NULL, "data" blob NOT NULL, UNIQUE(name))`,
	);
	const insert = database.prepare("INSERT INTO documents VALUES (?, ?)");
	for (const [name, text] of Object.entries(texts)) {
		const document = new Y.Doc();
		document.getText("text").insert(0, text);
		insert.run(name, Y.encodeStateAsUpdate(document));
	}
	database.close();
	return path;
}

describe("import", () => {
	test("[CON2] takes over a stock server's file; again changes nothing; the documents are served", async () => {
		const data = join(temporaryFolder(), "data");
		const from = stockDatabase({ one: "first", two: "second" });
		const before = readFileSync(from);
		const first = await runCommand(["import", from, "--data", data]);
		expect(first).toMatchObject({ code: 0, errors: "" });
		expect(first.output).toMatch(
			/^2 imported, 0 merged .* 0 unchanged, 0 skipped\. They are in .*\.sqlite\.\n$/,
		);
		const second = await runCommand(["import", from], { environment: { INDELIBLE_DATA: data } });
		expect(second.output).toMatch(/^0 imported, 0 merged .* 2 unchanged, 0 skipped\./);
		expect(readFileSync(from).equals(before)).toBe(true);
		const node = await startNode({ data });
		expect((await open(node, "one").synced()).text.toString()).toBe("first");
		expect((await open(node, "two").synced()).text.toString()).toBe("second");
	});

	test("leaves out what can't be right, names it, takes the rest and ends with 1", async () => {
		const from = stockDatabase({ good: "text", bad: "" });
		const database = new DatabaseSync(from);
		database.exec("UPDATE documents SET data = x'ffffff' WHERE name = 'bad'");
		database.close();
		const { code, output, errors } = await runCommand(["import", from, "--data", temporaryFolder()]);
		expect(errors).toMatch(/^indelible: "bad" was skipped: .+\n$/);
		expect(output).toMatch(/^1 imported, .* 1 skipped\./);
		expect(code).toBe(1);
	});

	test("a file that is no database, or another one, is named and makes no database here", async () => {
		const { folder, file } = folderWith("no database at all", "stock.sqlite");
		expect(await runCommand(["import", file, "--data", join(folder, "data")])).toMatchObject({
			code: 2,
			errors: expect.stringMatching(/^indelible: .*stock\.sqlite .*\n$/),
		});
		mkdirSync(join(folder, "empty"));
		expect(await runCommand(["import", join(folder, "empty"), "--data", join(folder, "data")])).toMatchObject(
			{
				code: 2,
			},
		);
	});
});

describe.skipIf(oldNode === undefined)("under an older Node.js (skipped where there is none)", () => {
	const binary = oldNode ?? "";

	test("the command line runs on the one that came with it; output and exit codes pass through", async () => {
		expect(await runCommand(["--version"], { binary })).toEqual({
			code: 0,
			output: `${version}\n`,
			errors: "",
		});
		const { code, output } = await runCommand(["doctor", "--json", "--port", String(await freePort())], {
			binary,
			folder: temporaryFolder(),
		});
		expect(code).toBe(0);
		expect(output).toMatch(/"Node\.js",\s+"result": "ok",\s+"detail": "v2[4-9]/);
		expect(await runCommand(["stop"], { binary })).toMatchObject({ code: 2 });
	});

	test("where none came with it, it says what to install", async () => {
		const folder = temporaryFolder();
		mkdirSync(join(folder, "bin"));
		writeFileSync(join(folder, "package.json"), `{ "type": "module" }`);
		copyFileSync(new URL("../../bin/indelible.js", import.meta.url), join(folder, "bin", "indelible.js"));
		const { status, stderr } = spawnSync(binary, [join(folder, "bin", "indelible.js"), "start"], {
			encoding: "utf8",
		});
		expect(stderr).toMatch(
			/^indelible: needs Node\.js 24 or newer, and this is v2\d\..*npm install node@26\n$/,
		);
		expect(status).toBe(2);
	});

	test.for(["SIGTERM", "SIGINT"] as const)(
		"[TRN3] %s passes through, and so does its exit code",
		async (signal) => {
			const node = await startNode({ binary, flags: ["--drain-window-ms", "0"] });
			const client = await open(node, "doc").type("text").saved();
			expect(await node.stop(signal)).toBe(0);
			expect(client.closes[0]?.code).toBe(1012);
			expect(node.output()).toContain("stopped; everything is on disk");
		},
	);

	test("when the launcher is killed the server stops too, in good order, and lets go of port and data", async () => {
		const data = temporaryFolder();
		const node = await startNode({ binary, data });
		const client = await open(node, "doc").type("text").saved();
		expect(await node.stop("SIGKILL")).toBe("SIGKILL");
		await eventually("the client to be told", () => client.closes.length > 0);
		expect(client.closes[0]?.code).toBe(1012);
		await eventually("the server to be gone", () =>
			fetch(`http://127.0.0.1:${node.port}/healthz`).then(
				() => false,
				() => true,
			),
		);
		const again = await startNode({ data, port: node.port });
		expect((await open(again, "doc").synced()).text.toString()).toBe("text");
	});
});
