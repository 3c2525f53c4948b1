import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, globSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { basename, dirname, join, matchesGlob, relative } from "node:path";
import { type Copy, type Dockerfile, DockerfileParser, type Instruction } from "dockerfile-ast";

/** What an image would be, in a folder of this machine. */
export interface ImageFolder {
	/** Stands for `/` in the image. Only what instructions copy and what npm and Node.js make is in it. */
	readonly root: string;
	readonly workingFolder: string;
	readonly environment: Readonly<Record<string, string>>;
	readonly entrypoint: readonly string[];
	readonly command: readonly string[];
	readonly healthCheck: readonly string[];
	readonly user: string;
	readonly stopSignal: string;
	/** Commands that need the system of the base image, and were left out. */
	readonly leftOut: readonly string[];
}

export interface ImageBuildOptions {
	/** The Dockerfile. */
	readonly file: string;
	/** The build's context, with its `.dockerignore`. */
	readonly context: string;
	/** An empty folder, for a folder for each stage. */
	readonly folder: string;
	/** For commands. */
	readonly environment: NodeJS.ProcessEnv;
	/** A `node_modules` to use for stages that would install everything, to save the time. */
	readonly allModules: string;
}

interface Stage {
	readonly root: string;
	workingFolder: string;
}

/**
 * Builds an image as far as that goes without a container engine: copies what would be copied, and runs npm and Node.js
 * with those of this machine.
 */
export function buildImageFolder(options: ImageBuildOptions): ImageFolder {
	const dockerfile = DockerfileParser.parse(readFileSync(options.file, "utf8"));
	const stages = new Map<string, Stage>();
	const leftOut: string[] = [];
	let stage: Stage | undefined;
	for (const instruction of dockerfile.getInstructions()) {
		if (instruction.getKeyword() === "FROM") {
			const name = wordsOf(instruction)[2] ?? "last";
			stage = { root: join(options.folder, name), workingFolder: "/" };
			mkdirSync(stage.root);
			chmodSync(stage.root, 0o755);
			stages.set(name, stage);
		} else if (stage !== undefined) {
			const out = apply(instruction, stage, stages, options);
			if (out !== undefined) leftOut.push(out);
		}
	}
	const last = stages.get("last");
	if (last === undefined) throw new Error("the last stage has a name");
	return { ...last, ...runtimeOf(dockerfile), leftOut };
}

/** @returns A command that was left out. */
function apply(
	instruction: Instruction,
	stage: Stage,
	stages: ReadonlyMap<string, Stage>,
	options: ImageBuildOptions,
): string | undefined {
	const words = wordsOf(instruction);
	switch (instruction.getKeyword()) {
		case "WORKDIR":
			stage.workingFolder = words[0] ?? "/";
			mkdirSync(join(stage.root, stage.workingFolder), { recursive: true });
			return undefined;
		case "COPY":
			copy({ from: (instruction as Copy).getFromFlag()?.getValue(), words }, stage, stages, options.context);
			return undefined;
		case "RUN":
			return run(instruction.getArgumentsContent() ?? "", stage, options);
		default:
			return undefined;
	}
}

function copy(
	{ from, words }: { from: string | null | undefined; words: readonly string[] },
	stage: Stage,
	stages: ReadonlyMap<string, Stage>,
	context: string,
): void {
	const sources = [...words];
	const target = sources.pop() ?? "";
	const to = target.startsWith("/")
		? join(stage.root, target)
		: join(stage.root, stage.workingFolder, target);
	for (const source of sources) {
		if (typeof from === "string") {
			const path = join(stages.get(from)?.root ?? "", source);
			// What the base image brings.
			if (existsSync(path) || !source.startsWith("/usr/")) cpSync(path, to, { recursive: true });
			continue;
		}
		for (const path of contextFiles(context, source)) {
			// A folder's contents are copied, not the folder.
			const isFolder = source.endsWith("/") || source === ".";
			const end = join(to, isFolder ? relative(source, path) : basename(path));
			mkdirSync(dirname(end), { recursive: true });
			cpSync(join(context, path), end);
		}
	}
}

/** Files of the checkout under a path that `.dockerignore` lets through. */
function contextFiles(context: string, path: string): string[] {
	const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "--", path], {
		cwd: context,
		encoding: "utf8",
	});
	const ignored = readFileSync(join(context, ".dockerignore"), "utf8")
		.split("\n")
		.filter((line) => line !== "" && !/^[#!]/.test(line));
	const isIgnored = (file: string) =>
		ignored.some((pattern) => matchesGlob(file, pattern) || matchesGlob(file, `${pattern}/**`));
	return listed
		.split("\n")
		.filter((file) => file !== "" && !isIgnored(file) && existsSync(join(context, file)));
}

function run(command: string, stage: Stage, options: ImageBuildOptions): string | undefined {
	const cwd = join(stage.root, stage.workingFolder);
	if (!/^(PATH=\S+ )?(npm|node) /.test(command)) return command;
	if (command.startsWith("npm ci") && !command.includes("--omit=dev")) {
		symlinkSync(options.allModules, join(cwd, "node_modules"));
		return undefined;
	}
	execFileSync("sh", ["-ec", command.replaceAll(":/app/", `:${stage.root}/app/`)], {
		cwd,
		env: options.environment,
		stdio: ["ignore", "ignore", "inherit"],
	});
	return undefined;
}

function runtimeOf(dockerfile: Dockerfile): Omit<ImageFolder, "root" | "workingFolder" | "leftOut"> {
	const image = dockerfile.getInstructions();
	const lastOf = (keyword: string) => image.findLast((instruction) => instruction.getKeyword() === keyword);
	const list = (keyword: string): string[] => JSON.parse(lastOf(keyword)?.getArgumentsContent() ?? "[]");
	const properties = dockerfile.getENVs().flatMap((instruction) => instruction.getProperties());
	return {
		environment: Object.fromEntries(
			properties.map((property) => [property.getName(), property.getValue() ?? ""]),
		),
		entrypoint: list("ENTRYPOINT"),
		command: list("CMD"),
		healthCheck: JSON.parse((lastOf("HEALTHCHECK")?.getArgumentsContent() ?? "").replace(/^.*?CMD /s, "")),
		user: wordsOf(lastOf("USER"))[0] ?? "root",
		stopSignal: wordsOf(lastOf("STOPSIGNAL"))[0] ?? "SIGTERM",
	};
}

function wordsOf(instruction: Instruction | undefined): string[] {
	return (instruction?.getArgumentsContent() ?? "").split(/\s+/).filter((word) => word !== "");
}

/** Bytes of all files under a folder. */
export function bytesUnder(folder: string): number {
	return globSync("**/*", { cwd: folder, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.reduce((sum, entry) => sum + readFileSync(join(entry.parentPath, entry.name)).byteLength, 0);
}
