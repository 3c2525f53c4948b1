import { HocuspocusProvider, HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import * as Y from "yjs";
import { defineScenario } from "../scenario.ts";
import { count } from "../show.ts";

const documents = 10;
const editsPerDocument = 100;
const deadlineMs = 60_000;

export const killScenario = defineScenario({
	name: "kill",
	summary: "acknowledged edits that are missing after kill -9",
	explain: () =>
		`${documents} unmodified providers make ${count(documents * editsPerDocument)} edits in ${documents} documents, each once ` +
		"the one before it was acknowledged. kill -9 with the last acknowledgement, restart, and new providers look " +
		"for every acknowledged edit.",
	async measure({ start, progress }) {
		const target = await start();
		const writers = await Promise.all(names().map((name) => openPerson(target.url, name)));
		let acknowledged = 0;
		await Promise.all(
			writers.map(async (writer) => {
				for (let edit = 0; edit < editsPerDocument; edit += 1) {
					writer.text.insert(writer.text.length, token(edit));
					await writer.saved();
					acknowledged += 1;
					progress(`${acknowledged} edits acknowledged`);
				}
			}),
		);
		await target.kill();
		for (const writer of writers) writer.leave();

		const restarted = await start();
		let found = 0;
		for (const name of names()) {
			const reader = await openPerson(restarted.url, name);
			const text = reader.text.toString();
			for (let edit = 0; edit < editsPerDocument; edit += 1) if (text.includes(token(edit))) found += 1;
			reader.leave();
		}
		await restarted.stop();
		return [{ acknowledged, lost: acknowledged - found }];
	},
	columns: [
		{ title: "acknowledged", cell: ({ acknowledged }) => count(acknowledged) },
		{ title: "lost", cell: ({ lost }) => count(lost) },
	],
});

function names(): string[] {
	return Array.from({ length: documents }, (_, n) => `killed ${n}`);
}

function token(edit: number): string {
	return `<${edit}>`;
}

interface Person {
	readonly text: Y.Text;
	/** Resolves when the server has acknowledged everything. */
	saved(): Promise<void>;
	leave(): void;
}

/** Resolves when the document was received. */
async function openPerson(url: string, name: string): Promise<Person> {
	const document = new Y.Doc();
	const websocketProvider = new HocuspocusProviderWebsocket({ url });
	const provider = new HocuspocusProvider({ websocketProvider, name, document });
	const leave = () => {
		provider.destroy();
		websocketProvider.destroy();
	};
	const saved = () =>
		until(provider, "unsyncedChanges", () => provider.isSynced && !provider.hasUnsyncedChanges, name);
	provider.attach();
	try {
		await until(provider, "synced", () => provider.isSynced, name);
		await saved();
	} catch (error) {
		leave();
		throw error;
	}
	return { text: document.getText("text"), saved, leave };
}

/** Waits for a provider's event, unless what it would say is true already. */
async function until(
	provider: HocuspocusProvider,
	event: string,
	probe: () => boolean,
	name: string,
): Promise<void> {
	if (probe()) return;
	const { promise, resolve, reject } = Promise.withResolvers<void>();
	const check = () => probe() && resolve();
	const timer = setTimeout(() => reject(new Error(`${name}: no "${event}" in ${deadlineMs} ms`)), deadlineMs);
	provider.on(event, check);
	try {
		await promise;
	} finally {
		clearTimeout(timer);
		provider.off(event, check);
	}
}
