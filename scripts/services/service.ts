import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";

/** Where a service's standard output and error go; a number is an open file. */
export type Output = "ignore" | "inherit" | number;

/** A process that serves something. */
export interface Service {
	/** What people call it. */
	readonly title: string;
	readonly pid: number;
	/** Settles when the process is gone. */
	readonly ended: Promise<void>;
	readonly hasEnded: boolean;
	/** How it ended, in words. */
	readonly end: string | undefined;
	/** Waits for the end; one that does not come within `deadlineMs` is brought about. */
	stop(signal: NodeJS.Signals, deadlineMs?: number): Promise<void>;
}

export interface ServiceOptions {
	readonly title: string;
	readonly program: string;
	readonly args: readonly string[];
	readonly output: Output;
	readonly spawn?: Pick<SpawnOptions, "cwd" | "env" | "uid" | "gid" | "detached">;
	/** Whether it serves; an exception means not yet. */
	readonly answers: () => Promise<boolean>;
	readonly deadlineMs?: number;
	/** Told of the process at once, when it may not serve yet. */
	readonly onSpawn?: (service: Service) => void;
}

/**
 * Starts a process and waits until it serves.
 * @throws When it ends before that, or takes too long; it is gone then.
 */
export async function startService(options: ServiceOptions): Promise<Service> {
	const { title, program, args, output, answers, deadlineMs = 30_000, onSpawn } = options;
	const child = spawn(program, args, { ...options.spawn, stdio: ["ignore", output, output] });
	const service = await supervise(title, child);
	onSpawn?.(service);
	const untilMs = performance.now() + deadlineMs;
	while (!(await answers().catch(() => false))) {
		if (service.hasEnded) throw new Error(`${title} ${service.end}`);
		if (performance.now() > untilMs) {
			await service.stop("SIGKILL");
			throw new Error(`${title} did not answer within ${deadlineMs} ms`);
		}
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
	// What answered may be somebody else, on whose port ours could not listen.
	if (service.hasEnded) throw new Error(`${title} ${service.end}`);
	return service;
}

async function supervise(title: string, child: ChildProcess): Promise<Service> {
	await once(child, "spawn");
	const gone = once(child, "exit").then(() => {});
	const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
	return {
		title,
		pid: child.pid as number,
		ended: gone,
		get hasEnded() {
			return hasEnded();
		},
		get end() {
			if (!hasEnded()) return undefined;
			return child.signalCode === null ? `ended with ${child.exitCode}` : `was ended by ${child.signalCode}`;
		},
		async stop(signal, deadlineMs = 30_000) {
			if (hasEnded()) return;
			child.kill(signal);
			const force = setTimeout(() => child.kill("SIGKILL"), deadlineMs);
			await gone;
			clearTimeout(force);
		},
	};
}
