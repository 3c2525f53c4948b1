import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const logging = fileURLToPath(new URL("../../server/logging.ts", import.meta.url));

/** Says more than a pipe and its reader's buffer hold, then that it goes on, and ends when its input does. */
const chatterbox = `
	import { createLogger } from ${JSON.stringify(logging)};
	const logger = createLogger({ logLevel: "info", logFormat: "json" });
	for (let line = 0; line < 20_000; line += 1) logger.info({ line, filler: "x".repeat(2_000) }, "again");
	setTimeout(() => process.stderr.write("goes on"), 10);
	process.stdin.resume().on("end", () => {
		logger.info({}, "the last one");
		process.exit(0);
	});
`;

test("[TRN5] whoever should read the log and does not holds nobody up, and costs bounded memory; the last lines are there for who reads", async () => {
	const child = spawn(process.execPath, ["--input-type=module", "--eval", chatterbox]);
	onTestFinished(() => {
		child.kill("SIGKILL");
	});
	const [said] = await once(child.stderr, "data");
	expect(String(said)).toBe("goes on");
	let output = "";
	child.stdout.on("data", (chunk) => {
		output += chunk;
		// All that was kept is on its way now.
		if (!child.stdin.writableEnded) child.stdin.end();
	});
	const [code] = await once(child, "close");
	expect(code).toBe(0);
	const lines = output.trimEnd().split("\n");
	const messages = lines.map((line) => (JSON.parse(line) as { readonly msg: string }).msg);
	expect(messages.at(-1)).toBe("the last one");
	expect(messages.length).toBeGreaterThan(1_000);
	expect(messages.length).toBeLessThan(20_000);
});
