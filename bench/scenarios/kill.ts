import { Person } from "../person.ts";
import { defineScenario } from "../scenario.ts";
import { count } from "../show.ts";

const documents = 10;
const editsPerDocument = 100;

export const killScenario = defineScenario({
	name: "kill",
	summary: "acknowledged edits that are missing after kill -9",
	explain: () =>
		`${documents} unmodified providers make ${count(documents * editsPerDocument)} edits in ${documents} documents, each once ` +
		"the one before it was acknowledged. kill -9 with the last acknowledgement, restart, and new providers look " +
		"for every acknowledged edit. Nothing is timed, so what makes the load cannot be what limits it.",
	async measure({ start, progress }) {
		const target = await start();
		const writers = await Promise.all(names().map((name) => Person.open(name, () => target.url)));
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
			const reader = await Person.open(name, () => restarted.url);
			const text = reader.text.toString();
			for (let edit = 0; edit < editsPerDocument; edit += 1) if (text.includes(token(edit))) found += 1;
			reader.leave();
		}
		await restarted.stop();
		return [{ acknowledged, lost: acknowledged - found }];
	},
	charts: {
		of: [
			{
				title: `Acknowledged edits that are lost, of ${count(documents * editsPerDocument)}`,
				value: ({ lost }) => lost,
				text: count,
			},
		],
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
