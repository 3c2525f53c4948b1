import { writeBoard } from "./board.ts";
import { DocumentLoad } from "./document-load.ts";
import { sleep } from "./pace.ts";
import type { TargetProcess } from "./target-process.ts";
import { generateDocument } from "./typist.ts";
import { updateFrame, WireClient } from "./wire-client.ts";

/** Somebody else on the same node, who does not care. */
export interface NoisyTenant {
	readonly part: string;
	/** What it does, for whoever reads the table. */
	readonly does: string;
	/** Makes noise until the signal. */
	make(target: TargetProcess, until: AbortSignal): Promise<void>;
}

const typists = { documents: 60, clientsPerDocument: 3, keystrokesPerSecond: 20 } as const;
const contentCharacters = 4_000;
/** Of edits that were written beforehand. */
const scriptS = 60;
const onlookers = 5;
const picturesPerSecond = 8;
const joinsPerSecond = 20;
const largeCharacters = 450_000;

async function typeFast({ url }: TargetProcess, until: AbortSignal): Promise<void> {
	const { keystrokesPerSecond } = typists;
	const load = await DocumentLoad.open(
		{
			...typists,
			url,
			name: "noisy",
			contents: generateDocument(contentCharacters),
			keystrokes: scriptS * keystrokesPerSecond,
		},
		() => {},
	);
	for (let second = 0; second < scriptS && !until.aborted; second += 1)
		await load.type(keystrokesPerSecond, () => {});
	await load.close();
}

async function draw({ url }: TargetProcess, until: AbortSignal): Promise<void> {
	const documentName = "noisy board";
	const { updates } = writeBoard({ updates: scriptS * picturesPerSecond, grows: true });
	const clients = await Promise.all(
		Array.from({ length: onlookers + 1 }, () => WireClient.open({ url, documentName })),
	);
	for (const update of updates) {
		if (until.aborted) break;
		clients[0]?.send(updateFrame(documentName, update));
		await sleep(1000 / picturesPerSecond);
	}
	await Promise.all(clients.map((client) => client.close()));
}

async function comeAndGo({ url }: TargetProcess, until: AbortSignal): Promise<void> {
	const documentName = "noisy book";
	const contents = generateDocument(largeCharacters);
	const author = await WireClient.open({ url, documentName, contents });
	while (!until.aborted) {
		const visit = WireClient.open({ url, documentName }).then((client) => client.close());
		await Promise.all([visit, sleep(1000 / joinsPerSecond)]);
	}
	await author.close();
}

export const noisyTenants: readonly NoisyTenant[] = [
	{
		part: "types",
		does: `${typists.documents} documents × ${typists.clientsPerDocument} people, one of whom types ${typists.keystrokesPerSecond} characters a second`,
		make: typeFast,
	},
	{
		part: "draws",
		does: `${picturesPerSecond} pictures of 64 kB a second in a document that ${onlookers} others look at`,
		make: draw,
	},
	{
		part: "comes and goes",
		does: `a document of 1 MB that is opened ${joinsPerSecond} times a second`,
		make: comeAndGo,
	},
];
