/** What a check has found. `advice` says what to do; it is there when not all is well. */
export interface Finding {
	readonly check: string;
	readonly result: "ok" | "warning" | "problem";
	readonly detail: string;
	readonly advice?: string;
}

const marks = { ok: "ok     ", warning: "warning", problem: "PROBLEM" } as const;

/** Shows findings: each as it comes, or all of them as JSON at the end. */
export class Report {
	readonly #isJson: boolean;
	readonly #findings: Finding[] = [];

	constructor({ json }: { readonly json: boolean }) {
		this.#isJson = json;
	}

	add(...findings: readonly Finding[]): void {
		this.#findings.push(...findings);
		if (this.#isJson) return;
		for (const { check, result, detail, advice } of findings) {
			console.log(`${marks[result]}  ${check.padEnd(11)} ${detail}`);
			if (advice !== undefined) console.log(`${" ".repeat(21)}${advice}`);
		}
	}

	/** @returns The exit code: 1 when there is a problem. */
	end(): number {
		const ok = this.#findings.every(({ result }) => result !== "problem");
		if (this.#isJson) console.log(JSON.stringify({ ok, findings: this.#findings }, undefined, "\t"));
		return ok ? 0 : 1;
	}
}
