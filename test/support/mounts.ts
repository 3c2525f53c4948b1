import { execFileSync } from "node:child_process";
import { mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished, type TestContext } from "vitest";
import { temporaryFolder } from "./temporary-folder.ts";

/** Skips the test, saying why, where this process may not mount file systems (it has to be root, on Linux). */
export function skipUnlessMounting({ skip }: TestContext): void {
	const reason = whyNot();
	if (reason !== undefined) skip(`needs to mount a file system: ${reason}`);
}

let known: { readonly reason: string | undefined } | undefined;

function whyNot(): string | undefined {
	known ??= { reason: tryMounting() };
	return known.reason;
}

function tryMounting(): string | undefined {
	if (process.platform !== "linux") return `this is ${process.platform}, not Linux`;
	const folder = join(temporaryFolder(), "trial");
	mkdirSync(folder);
	try {
		run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder);
	} catch (error) {
		return (error as Error).message.trim();
	}
	run("umount", folder);
	rmdirSync(folder);
	return undefined;
}

/** A folder on a disk of its own, which is full after so many bytes; it goes when the test ends. */
export function smallDisk(bytes: number): string {
	const folder = join(temporaryFolder(), "disk");
	mkdirSync(folder);
	run("mount", "-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder);
	onTestFinished(() => run("umount", "--lazy", folder));
	return folder;
}

/** Makes a file or folder read-only for everybody, the superuser included. @returns Makes it writable again. */
export function mountReadOnly(path: string): () => void {
	run("mount", "--bind", path, path);
	let mounted = true;
	const release = () => {
		if (mounted) run("umount", "--lazy", path);
		mounted = false;
	};
	onTestFinished(release);
	run("mount", "-o", "remount,bind,ro", path);
	return release;
}

/** Puts a file where another one is, as a container does that is given a single file of the host. It goes when the test ends. */
export function mountFile(from: string, to: string): void {
	run("mount", "--bind", from, to);
	onTestFinished(() => run("umount", "--lazy", to));
}

function run(command: string, ...options: string[]): void {
	execFileSync(command, options, { stdio: ["ignore", "ignore", "pipe"] });
}
