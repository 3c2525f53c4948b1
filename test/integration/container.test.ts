import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DCLinter } from "dclint";
import { validate } from "dockerfile-utils";
import { describe, expect, onTestFinished, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { fillSettings, settings } from "../../server/settings.ts";
import { openClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { buildImageFolder, bytesUnder, type ImageFolder } from "../support/image-build.ts";
import { environmentWithoutSettings, freePort, startNodeProcess } from "../support/node-process.ts";
import { startPostgres } from "../support/postgres-server.ts";
import { startRedis } from "../support/redis-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const dockerfile = join(root, "deploy/container/Dockerfile");
const composeFile = join(root, "deploy/compose.yaml");
const minuteMs = 60_000;
const MB = 1_000_000;

/** What npm tells the scripts that it runs is not for another npm, and Vitest's settings are not for a build. */
const environment = Object.fromEntries(
	Object.entries(environmentWithoutSettings()).filter(
		([name]) => !/^npm_(?!config_)|^NODE_OPTIONS$|^NODE_ENV$|^VITEST/.test(name),
	),
);

describe("the container image", () => {
	test("its Dockerfile has nothing that a linter objects to", () => {
		expect(validate(readFileSync(dockerfile, "utf8"))).toEqual([]);
	});

	test(
		"what is copied into it serves as another user, answers its health check, stops at its signal, and is small",
		async () => {
			const folder = temporaryFolder();
			chmodSync(folder, 0o755);
			const image = buildImageFolder({
				file: dockerfile,
				context: root,
				folder,
				environment,
				allModules: join(root, "node_modules"),
			});
			expect(image.leftOut).toHaveLength(2);
			for (const command of image.leftOut) expect(command).toMatch(/^apk add --no-cache /);
			// The base adds less than 130 MB: see docs/deploy.md.
			expect(bytesUnder(join(image.root, "app"))).toBeLessThan(60 * MB);

			const running = await start(image, join(folder, "data"));
			const client = openClient({ url: `ws://127.0.0.1:${running.port}`, name: "page" });
			onTestFinished(() => client.destroy());
			await client.type("in a container").saved();
			expect(await (await fetch(`http://127.0.0.1:${running.port}/d/text-page`)).text()).toContain("<script");
			const [, ...healthCheck] = placed(image.healthCheck, image);
			const check = () =>
				execFileSync(process.execPath, healthCheck, { env: running.environment, stdio: "ignore" });
			expect(check).not.toThrow();
			running.child.kill(image.stopSignal as NodeJS.Signals);
			expect(await running.ended).toEqual([0, null]);
			expect(check).toThrow();
		},
		5 * minuteMs,
	);
});

/** A command of the image's, with its paths as they are here. */
function placed(command: readonly string[], image: ImageFolder): string[] {
	return command.map((word) => word.replace(/^\/app\//, `${image.root}/app/`));
}

/** Runs what the image runs, with a data folder in the place of its volume. */
async function start(image: ImageFolder, data: string) {
	const port = await freePort();
	const [uid, gid] = image.user.split(":").map(Number);
	if (uid === undefined || gid === undefined) throw new Error("the image's user is not given by numbers");
	mkdirSync(data);
	const isRoot = process.getuid?.() === 0;
	if (isRoot) chownSync(data, uid, gid);
	const withSettings = {
		...environment,
		...image.environment,
		INDELIBLE_PORT: String(port),
		INDELIBLE_DATA: data,
	};
	const [program, ...parameters] = placed([...image.entrypoint, ...image.command], image);
	expect(program).toBe("node");
	const child = spawn(process.execPath, parameters, {
		cwd: join(image.root, image.workingFolder),
		env: withSettings,
		stdio: ["ignore", "inherit", "inherit"],
		...(isRoot ? { uid, gid } : {}),
	});
	onTestFinished(() => void child.kill("SIGKILL"));
	const ended = once(child, "exit");
	await eventually("the node", async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok);
	return { child, ended, port, environment: withSettings };
}

interface Service {
	readonly ports?: readonly string[];
	readonly volumes?: readonly string[];
	readonly environment?: Readonly<Record<string, string>>;
	readonly stop_grace_period?: string;
}

describe("the compose file", () => {
	const services: Record<string, Service> = parse(readFileSync(composeFile, "utf8"), {
		merge: true,
	}).services;
	const nodes = Object.entries(services).filter(([name]) => name.startsWith("node-"));

	test("is what the Compose specification allows, and has nothing that a linter objects to", () => {
		const isOurTaste = 0;
		const rules = {
			"service-keys-order": isOurTaste,
			"top-level-properties-order": isOurTaste,
			"require-quotes-in-ports": isOurTaste,
		} as const;
		const linter = new DCLinter({ rules, quiet: true, debug: false, exclude: [] });
		const files = [composeFile, join(root, "deploy/compose.monitoring.yaml")];
		const results: { readonly messages: readonly unknown[] }[] = linter.lintFiles(files, false);
		expect(results.flatMap(({ messages }) => messages)).toEqual([]);
	});

	test("has three nodes with known settings, that may take as long to stop as they do", () => {
		expect(nodes).toHaveLength(3);
		const known = settings.map(({ variable }) => variable);
		const { shutdownDeadlineMs } = fillSettings({});
		for (const [, node] of nodes) {
			const names = Object.keys(node.environment ?? {}).filter((name) => name.startsWith("INDELIBLE_"));
			expect(known).toEqual(expect.arrayContaining(names));
			expect(Number.parseInt(node.stop_grace_period ?? "", 10) * 1_000).toBeGreaterThan(shutdownDeadlineMs);
		}
	});

	test("what it tells a node of Postgres and Redis is enough", async () => {
		const [postgres, redis] = [await startPostgres(), await startRedis()];
		// A password that an address would have to encode.
		const password = "p@ss/word%";
		await postgres.query(`CREATE ROLE indelible LOGIN PASSWORD '${password}'`);
		await postgres.query("CREATE DATABASE indelible OWNER indelible");
		const given = Object.entries(nodes[0]?.[1].environment ?? {}).map(([name, value]) => [
			name,
			value
				.replace("postgres:5432", `127.0.0.1:${postgres.port}`)
				.replace("redis:6379", `127.0.0.1:${redis.port}`)
				.replace(/\$\{POSTGRES_PASSWORD:.*\}/, password),
		]);
		const node = await startNodeProcess({ data: temporaryFolder(), environment: Object.fromEntries(given) });
		onTestFinished(() => void node.stop("SIGKILL"));
		const client = openClient({ url: node.url, name: "page" });
		onTestFinished(() => client.destroy());
		await client.type("in Postgres").saved();
		expect(await postgres.query("SELECT name FROM indelible.documents", [], "indelible")).toHaveLength(1);
		expect(await (await fetch(`http://127.0.0.1:${node.port}/readyz`)).json()).toMatchObject({
			degraded: [],
		});
	});

	test("lets nobody reach anything but the balancer, which knows all nodes", () => {
		const reachable = Object.entries(services).filter(([, { ports = [] }]) => ports.length > 0);
		expect(reachable.map(([name]) => name)).toEqual(["balancer"]);
		const known = Object.entries(services.balancer?.environment ?? {});
		expect(known).toEqual(nodes.map(([name], index) => [`NODE_${index + 1}`, `${name}:1234`]));
	});
});

describe("what watches the nodes of the compose file", () => {
	const read = (file: string) => parse(readFileSync(join(root, "deploy", file), "utf8"), { merge: true });
	const watching: Record<string, Service> = read("compose.monitoring.yaml").services;

	test("mounts files that there are, and is reached from this machine only", () => {
		const mounts = Object.values(watching).flatMap(({ volumes = [] }) => volumes);
		const files = mounts.map((mount) => mount.split(":")[0] ?? "").filter((path) => path.startsWith("."));
		expect(files.length).toBeGreaterThan(3);
		for (const file of files) expect(existsSync(join(root, "deploy", file)), file).toBe(true);
		for (const { ports = [] } of Object.values(watching))
			for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
	});

	test("asks each node, and Grafana asks what asks them", () => {
		const { scrape_configs: jobs, rule_files: rules } = read("prometheus/prometheus.yaml");
		const { services } = read("compose.yaml");
		const names = Object.keys(services).filter((name) => name.startsWith("node-"));
		expect(jobs[0].job_name).toBe("indelible");
		expect(jobs[0].static_configs[0].targets).toEqual(names.map((name) => `${name}:1234`));
		expect(rules).toEqual(["alerts.yaml"]);
		const { datasources } = read("grafana/provisioning/datasources/prometheus.yaml");
		expect(Object.keys(watching)).toContain(new URL(datasources[0].url).hostname);
		const { providers } = read("grafana/provisioning/dashboards/indelible.yaml");
		const mounted = watching.grafana?.volumes?.some((mount) =>
			mount.includes(`:${providers[0].options.path}/`),
		);
		expect(mounted).toBe(true);
	});
});

describe("the Kubernetes manifest", () => {
	const documentsIn = (file: string) =>
		parseAllDocuments(readFileSync(join(root, "deploy/kubernetes", file), "utf8")).map((document) =>
			document.toJS(),
		);
	const [deployment, service, budget] = documentsIn("indelible.yaml");
	const [policy] = documentsIn("network-policy.yaml");
	const [monitor] = documentsIn("monitoring.yaml");
	const pod = deployment.spec.template.spec;
	const [container] = pod.containers;

	test("lets a node take as long to stop as it may, and asks for readiness and life where they are told", () => {
		const { shutdownDeadlineMs } = fillSettings({});
		const beforeMs = container.lifecycle.preStop.sleep.seconds * 1_000;
		expect(pod.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(beforeMs + shutdownDeadlineMs);
		expect(container.readinessProbe.httpGet.path).toBe("/readyz");
		expect(container.livenessProbe.httpGet.path).toBe("/healthz");
	});

	test("ports that are named are the container's, and Prometheus' job is called what the alerts expect", () => {
		const ports = container.ports.map(({ name }: { name: string }) => name);
		const [people, metrics] = policy.spec.ingress.map(
			({ ports: [port] }: { ports: { port: string }[] }) => port?.port,
		);
		for (const port of [
			people,
			metrics,
			monitor.spec.podMetricsEndpoints[0].port,
			service.spec.ports[0].targetPort,
		])
			expect(ports).toContain(port);
		expect(deployment.spec.template.metadata.labels[monitor.spec.jobLabel]).toBe("indelible");
	});

	test("names known settings, the image's version, and the same pods everywhere", () => {
		const known = settings.map(({ variable }) => variable);
		expect(known).toEqual(expect.arrayContaining(container.env.map(({ name }: { name: string }) => name)));
		const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
		expect(container.image).toBe(`indelible:${version}`);
		const { labels } = deployment.spec.template.metadata;
		for (const selector of [
			deployment.spec.selector.matchLabels,
			service.spec.selector,
			budget.spec.selector.matchLabels,
			policy.spec.podSelector.matchLabels,
			monitor.spec.selector.matchLabels,
		])
			expect(labels).toMatchObject(selector);
	});
});

describe("the systemd unit", () => {
	const unit = readFileSync(join(root, "deploy/systemd/indelible.service"), "utf8");
	const setting = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(unit)?.[1] ?? "";
	const defaults = fillSettings({});

	test("gives a node time to stop and files enough, and does not try again what can't be right", () => {
		expect(Number(setting("TimeoutStopSec")) * 1_000).toBeGreaterThan(defaults.shutdownDeadlineMs);
		expect(Number(setting("LimitNOFILE"))).toBeGreaterThan(defaults.connectionsMax + 100);
		expect(setting("RestartPreventExitStatus")).toBe("2");
		expect(setting("ExecStart")).toContain(`--data /var/lib/${setting("StateDirectory")}`);
	});

	const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;
	test.skipIf(!hasSystemd)("is understood by systemd (skipped where there is none)", () => {
		const file = join(temporaryFolder(), "indelible.service");
		writeFileSync(file, unit.replace(/^ExecStart=\S+/m, `ExecStart=${join(root, "bin/indelible.js")}`));
		const { status, stderr } = spawnSync("systemd-analyze", ["verify", file], { encoding: "utf8" });
		expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
	});
});
