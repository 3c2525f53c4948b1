import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type Client, openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { environmentWithoutSettings, freePort } from "../support/node-process.ts";
import { oldNode } from "../support/old-node.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const minuteMs = 60_000;
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** Where somebody installs the package: no checkout anywhere near. */
const folder = mkdtempSync(join(tmpdir(), "indelible-package-"));
const installed = join(folder, "node_modules", "indelible");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What npm tells the scripts that it runs, such as this one, is not for another npm. */
const environment = Object.fromEntries(
	Object.entries(environmentWithoutSettings()).filter(
		([name]) => !/^npm_(?!config_)|^NODE_OPTIONS$|^NODE_ENV$|^VITEST/.test(name),
	),
);

async function run(command: string, args: readonly string[], cwd = folder): Promise<string> {
	const { stdout } = await promisify(execFile)(command, args, {
		cwd,
		env: environment,
		maxBuffer: 64 * 1024 * 1024,
	});
	return stdout;
}

beforeAll(async () => {
	// npm runs `prepack`, which builds.
	const packed = JSON.parse(await run("npm", ["pack", "--json", "--pack-destination", folder], root));
	const [{ filename }] = Array.isArray(packed) ? packed : Object.values<{ filename: string }>(packed);
	writeFileSync(
		join(folder, "package.json"),
		JSON.stringify({ name: "somebody", private: true, type: "module" }),
	);
	await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", join(folder, filename)]);
}, 8 * minuteMs);

function filesUnder(path: string): string[] {
	return readdirSync(path, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
		.filter((name) => !name.startsWith("node_modules/"));
}

test("the package holds what runs, its types and its papers, and nothing else", () => {
	const files = filesUnder(installed);
	for (const needed of [
		"package.json",
		"README.md",
		"LICENSE",
		"CHANGELOG.md",
		"bin/indelible.js",
		"dist/server/index.js",
		"dist/server/index.d.ts",
		"dist/server/cli.js",
		"dist/extensions/durability/index.js",
		"dist/extensions/durability/index.d.ts",
		"dist/extensions/durability/sqlite/writer-worker.js",
		"dist/extensions/durability/sqlite/reader-worker.js",
		"dist/admin/index.html",
		"dist/demo/index.html",
		"dist/demo/service-worker.js.br",
		"dist/demo/service-worker.js.gz",
	]) {
		expect(files).toContain(needed);
	}
	const allowed =
		/^(package\.json|README\.md|LICENSE|CHANGELOG\.md|bin\/indelible\.js|dist\/(server|extensions|chunks|demo|admin)\/.+)$/;
	expect(files.filter((name) => !allowed.test(name))).toEqual([]);
	expect(
		files.filter((name) => /\.test\.|\.spec\.|(?<!\.d)\.ts$|\.tsx$|\.map$|\.sqlite|example/.test(name)),
	).toEqual([]);
	const { exports } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
	for (const entry of Object.values<string | Record<string, string>>(exports))
		if (typeof entry !== "string")
			expect(files).toEqual(
				expect.arrayContaining([entry.types?.slice("./".length), entry.default?.slice("./".length)]),
			);
});

test("what is zod's has its licence with it, and of others' there is nothing in the package's code", () => {
	const scripts = filesUnder(installed).filter((name) =>
		/^dist\/(server|extensions|chunks)\/.+\.js$/.test(name),
	);
	const origins = new Set(
		scripts.flatMap((name) => {
			const text = readFileSync(join(installed, name), "utf8");
			return [...text.matchAll(/^\/\/ \S*node_modules\/((?:@[^/\s]+\/)?[^/\s]+)/gm)].map(([, origin]) => {
				expect(text).toMatch(new RegExp(`${origin}:\n\\w+ License`));
				return origin;
			});
		}),
	);
	expect([...origins]).toEqual(["zod"]);
});

/** Writes down which modules the main thread has loaded. */
const noting = `
import { writeFileSync } from "node:fs";
import { registerHooks } from "node:module";
const urls = [];
registerHooks({ load(url, context, next) { urls.push(url); return next(url, context); } });
globalThis.noteLoaded = () => {
	const builtins = process.moduleLoadList.map((name) => name.replace("NativeModule ", "node:"));
	writeFileSync("loaded.json", JSON.stringify([...urls, ...builtins]));
};
`;

const sharing = `
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { Durability } from "indelible/durability";
import * as Y from "yjs";
export default {
	async onListen({ instance, port }) {
		const visitor = connect(port, "127.0.0.1");
		visitor.write("GET / HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n");
		visitor.write("Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n");
		const [answer] = await once(visitor, "data");
		const [health] = await once(connect(port, "127.0.0.1").end("GET /readyz HTTP/1.0\\r\\n\\r\\n"), "data");
		noteLoaded();
		visitor.destroy();
		const [durability] = instance.configuration.extensions;
		const { document } = await instance.openDirectConnection("doc");
		const { Server } = await import("@hocuspocus/server");
		const stock = new Server({ port: 0, address: "127.0.0.1", quiet: true, stopOnSignals: false });
		await stock.listen();
		const socket = new WebSocket("ws://127.0.0.1:" + stock.address.port);
		const isServed = await new Promise((resolve) => {
			socket.onopen = () => resolve(true);
			socket.onerror = () => resolve(false);
		});
		socket.close();
		const shared = {
			answers: [answer, health].map((text) => String(text).split("\\r\\n", 1)[0]),
			durability: durability instanceof Durability,
			document: document instanceof Y.Doc,
			isServed,
		};
		writeFileSync("shared.json", JSON.stringify(shared));
		setTimeout(() => process.kill(process.pid, "SIGTERM"));
	},
};
`;

test("a start, a visitor and a probe of health load a few files, none that only some nodes need, and one Yjs and one Hocuspocus, which configuration files share", async () => {
	writeFileSync(join(folder, "noting.js"), noting);
	writeFileSync(join(folder, "sharing.config.js"), sharing);
	const data = mkdtempSync(join(folder, "data-"));
	const flags = ["--config", "sharing.config.js", "--port", "0", "--data", data];
	const launcher = join(installed, "bin", "indelible.js");
	const output = await run(process.execPath, ["--import", "./noting.js", launcher, "start", ...flags]);
	expect(output).not.toContain("already imported");
	const read = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8"));
	expect(read("shared.json")).toEqual({
		answers: ["HTTP/1.1 101 Switching Protocols", "HTTP/1.1 200 OK"],
		durability: true,
		document: true,
		isServed: true,
	});
	const loaded: string[] = read("loaded.json");
	const urls = loaded.filter((url) => url.startsWith("file:"));
	expect(loaded).toContain("node:http");
	// What an import of `node:http` brings along, and `node:https`.
	for (const builtin of ["node:internal/deps/undici/undici", "node:http2", "node:tls"])
		expect(loaded).not.toContain(builtin);
	const ofPackage = (name: string) => urls.filter((url) => url.includes(`/node_modules/${name}/`));
	expect(ofPackage("yjs")).toHaveLength(1);
	expect(ofPackage("indelible").length).toBeLessThan(12);
	for (const others of ["zod", "hono", "@hono", "prom-client", "ioredis", "pg", "jose", "pino-pretty", "ws"])
		expect(ofPackage(others)).toEqual([]);
	expect(urls.length).toBeLessThan(100);
});

test("no file in it knows where it was built", () => {
	const texts = new Set([".js", ".ts", ".json", ".md", ".html", ".css", ""]);
	const places = [root.replace(/\/$/, ""), tmpdir() === "/tmp" ? folder : tmpdir()];
	const telling = filesUnder(installed).filter((name) => {
		if (!texts.has(extname(name))) return false;
		const text = readFileSync(join(installed, name), "utf8");
		return places.some((place) => text.includes(place));
	});
	expect(telling).toEqual([]);
});

interface Served {
	readonly url: string;
	readonly port: number;
	stop(): Promise<void>;
}

/** `npx indelible start`, as people type it. */
async function serve(data: string): Promise<Served> {
	const port = await freePort();
	const child: ChildProcess = spawn("npx", ["indelible", "start", "--port", String(port), "--data", data], {
		cwd: folder,
		env: environment,
		// A group of its own: a signal reaches npx and all that it started, as Ctrl+C does.
		detached: true,
		stdio: ["ignore", "pipe", "pipe"],
	});
	const ended = once(child, "exit");
	const signal = (name: NodeJS.Signals) => {
		if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
		process.kill(-child.pid, name);
	};
	onTestFinished(() => signal("SIGKILL"));
	let output = "";
	child.stdout?.on("data", (chunk) => (output += chunk));
	child.stderr?.on("data", (chunk) => (output += chunk));
	await eventually(
		"the node to be ready",
		async () => {
			if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${output}`);
			return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
		},
		minuteMs,
	);
	return {
		url: `ws://127.0.0.1:${port}`,
		port,
		async stop() {
			signal("SIGINT");
			await ended;
			await eventually("everything to be said", () => output.includes("stopped; everything is on disk"));
		},
	};
}

function open(url: string, name: string): Client {
	const client = openClient({ url, name });
	onTestFinished(() => client.destroy());
	return client;
}

test(
	"npx indelible start serves the demo and documents, which are there after a restart",
	async () => {
		const data = join(folder, "data");
		const first = await serve(data);
		const health = await fetch(`http://127.0.0.1:${first.port}/healthz`);
		expect(await health.json()).toEqual({ status: "alive" });
		const html = await (await fetch(`http://127.0.0.1:${first.port}/d/notes`)).text();
		const path = /src="(\/assets\/[^"]+\.js)"/.exec(html)?.[1];
		const script = await fetch(`http://127.0.0.1:${first.port}${path}`, {
			headers: { "Accept-Encoding": "br" },
		});
		expect(script.status).toBe(200);
		expect(script.headers.get("content-encoding")).toBe("br");
		const author = await open(first.url, "notes").type("written before").saved();
		author.destroy();
		await first.stop();
		expect(existsSync(join(data, "indelible.sqlite"))).toBe(true);
		const second = await serve(data);
		expect((await open(second.url, "notes").synced()).text.toString()).toBe("written before");
		await second.stop();
	},
	3 * minuteMs,
);

test(
	"npx indelible knows its version, finds nothing wrong, and reads a configuration file in TypeScript",
	async () => {
		expect((await run("npx", ["indelible", "--version"])).trim()).toBe(version);
		writeFileSync(
			join(folder, "indelible.config.ts"),
			`import { defineConfig, seedText } from "indelible";
			export default defineConfig({ seed: async () => seedText("hello" as string), port: ${await freePort()} });`,
		);
		onTestFinished(() => rmSync(join(folder, "indelible.config.ts")));
		const report = JSON.parse(await run("npx", ["indelible", "doctor", "--json"]));
		expect(report.findings.filter(({ result }: { result: string }) => result === "problem")).toEqual([]);
		expect(report.findings[0].detail).toContain("indelible.config.ts");
	},
	3 * minuteMs,
);

test.skipIf(oldNode === undefined)(
	"an older Node.js starts it on the one that was installed with it",
	async () => {
		const launcher = join(folder, "node_modules", ".bin", "indelible");
		const data = mkdtempSync(join(folder, "data-"));
		const args = [launcher, "doctor", "--json", "--data", data, "--port", String(await freePort())];
		const { findings } = JSON.parse(await run(oldNode ?? "", args));
		expect(findings[1]).toMatchObject({ check: "Node.js", result: "ok" });
	},
);

test.skipIf(oldNode === undefined)(
	"an older Node.js that imports it is told which one it needs",
	async () => {
		const script = `import("indelible").catch(({ message }) => console.log(message));
		import("indelible/durability").catch(({ message }) => console.log(message));`;
		const says = expect.stringMatching(/^indelible needs Node\.js 24 or newer .* this is v2/);
		expect((await run(oldNode ?? "", ["--eval", script])).trim().split("\n")).toEqual([says, says]);
	},
);

const program = `
import { createServer } from "node:http";
import { createNode, SettingsError } from "indelible";
import { Durability, SqliteStore } from "indelible/durability";

const node = await createNode({ data: process.argv[2], logger: { debug() {}, info() {}, warn() {}, error() {} } });
const httpServer = createServer();
const { port } = await node.listen(httpServer, { port: 0, host: "127.0.0.1" });
const connection = await node.openDirectConnection("doc", {});
await connection.transact((document) => document.getText("text").insert(0, "from a program"));
await connection.disconnect();
await node.close();
httpServer.close();

const store = new SqliteStore({ path: node.location });
const durability = new Durability({ store });
await store.open();
const { position } = await store.load("doc");
await store.close();
console.log(JSON.stringify({ port: port > 0, position, durability: durability instanceof Durability, error: new SettingsError([]).name }));
`;

test("a program imports createNode from indelible and Durability from indelible/durability", async () => {
	writeFileSync(join(folder, "program.js"), program);
	const data = mkdtempSync(join(folder, "data-"));
	const output = await run(process.execPath, ["program.js", data]);
	expect(JSON.parse(output)).toEqual({ port: true, position: 1, durability: true, error: "SettingsError" });
});

test("TypeScript finds its types, and finds mistakes with them", async () => {
	const typed = join(folder, "typed");
	mkdirSync(typed);
	const compilerOptions = {
		strict: true,
		noEmit: true,
		module: "nodenext",
		moduleResolution: "nodenext",
		target: "es2022",
		// Ours have to be whole with what is installed along with them.
		skipLibCheck: false,
		types: ["node"],
	};
	// Of the checkout, so that they need not be downloaded again.
	mkdirSync(join(folder, "node_modules", "@types"), { recursive: true });
	symlinkSync(join(root, "node_modules", "@types", "node"), join(folder, "node_modules", "@types", "node"));
	writeFileSync(join(typed, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
	const lines = [
		`import { createNode, defineConfig, type IndelibleNode } from "indelible";`,
		`import { Durability, SqliteStore } from "indelible/durability";`,
		`const node: IndelibleNode = await createNode({ onAuthenticate: async ({ token }) => ({ user: token.length }) });`,
		`new Durability({ store: new SqliteStore({ path: node.location }) });`,
		`export default defineConfig({ drainWindowMs: 5, seed: async (name) => null });`,
		...["auth", "limits", "linger", "metrics", "redis", "sync", "tracing"].map(
			(name) => `export * as ${name} from "indelible/${name}";`,
		),
	];
	writeFileSync(join(typed, "five-lines.ts"), lines.join("\n"));
	const tsc = join(root, "node_modules", ".bin", "tsc");
	expect(await run(tsc, ["-p", typed])).toBe("");
	expect(await run(tsc, ["-p", typed, "--module", "esnext", "--moduleResolution", "bundler"])).toBe("");
	writeFileSync(
		join(typed, "mistakes.ts"),
		`import { createNode } from "indelible";
		createNode({ drainWindowMs: "soon" });
		createNode({ onAuthenticate: async ({ tokn }) => tokn });`,
	);
	const mistakes = await run(tsc, ["-p", typed]).then(
		() => "",
		({ stdout }) => stdout as string,
	);
	expect(mistakes.split("\n").filter((line) => line.includes("error TS"))).toEqual([
		expect.stringContaining("mistakes.ts(2,16)"),
		expect.stringContaining("tokn"),
	]);
});
