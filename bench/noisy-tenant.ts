import { writeBoard } from "./board.ts";
import { DocumentLoad } from "./document-load.ts";
import { sleep } from "./pace.ts";
import { generateDocument } from "./typist.ts";
import { updateFrame, WireClient } from "./wire-client.ts";

/** Somebody else on the same node, who does not care. */
export interface NoisyTenant {
	readonly part: string;
	/** What it does, for whoever reads the table. */
	readonly does: string;
	/** How often a second it does so. */
	readonly perSecond: number;
	/** Gets ready, and gives what makes the noise until the signal. */
	prepare(url: string): Promise<Noise>;
}

/** @returns How often it was done: less than wanted, when the server or this process was too slow. */
export type Noise = (until: AbortSignal) => Promise<number>;

const typists = { documents: 60, clientsPerDocument: 3, keystrokesPerSecond: 20 } as const;
const contentCharacters = 4_000;
/** Of edits that were written beforehand; their documents are others each time. */
const scriptS = 60;
const onlookers = 5;
const picturesPerSecond = 8;
const joinsPerSecond = 20;
const largeCharacters = 450_000;

async function typeFast(url: string): Promise<Noise> {
	const { keystrokesPerSecond } = typists;
	const load = await DocumentLoad.open(
		{
			...typists,
			url,
			name: `noisy ${process.pid}`,
			contents: generateDocument(contentCharacters),
			keystrokes: scriptS * keystrokesPerSecond,
		},
		() => {},
	);
	return async (until) => {
		let sent = 0;
		for (let second = 0; second < scriptS && !until.aborted; second += 1)
			sent += (await load.type(keystrokesPerSecond, () => {})).sent;
		await load.close();
		return sent;
	};
}

async function draw(url: string): Promise<Noise> {
	const documentName = `noisy board ${process.pid}`;
	const { updates } = writeBoard({ updates: scriptS * picturesPerSecond, grows: true });
	const frames = updates.map((update) => updateFrame(documentName, update));
	const clients = await Promise.all(
		Array.from({ length: onlookers + 1 }, () => WireClient.open({ url, documentName })),
	);
	return async (until) => {
		const drawn = await repeat(until, picturesPerSecond, async (n) => {
			const frame = frames[n];
			if (frame !== undefined) clients[0]?.send(frame);
		});
		await Promise.all(clients.map((client) => client.close()));
		return drawn;
	};
}

/** @param keepsOpen Whether somebody has it open all the time. */
async function open(url: string, keepsOpen: boolean): Promise<Noise> {
	const documentName = `noisy book ${process.pid}`;
	const contents = generateDocument(largeCharacters);
	const author = await WireClient.open({ url, documentName, contents });
	if (!keepsOpen) await author.close();
	return async (until) => {
		const opened = await repeat(until, joinsPerSecond, async () => {
			const visitor = await WireClient.open({ url, documentName });
			await visitor.close();
		});
		if (keepsOpen) await author.close();
		return opened;
	};
}

/** Never begins before the one before has ended. @returns How often. */
async function repeat(
	until: AbortSignal,
	perSecond: number,
	act: (n: number) => Promise<void>,
): Promise<number> {
	for (let n = 0; ; n += 1) {
		if (until.aborted) return n;
		await Promise.all([act(n), sleep(1000 / perSecond)]);
	}
}

export const noisyTenants: readonly NoisyTenant[] = [
	{
		part: "types",
		does: `${typists.documents} documents × ${typists.clientsPerDocument} people, one of whom types ${typists.keystrokesPerSecond} characters a second`,
		perSecond: typists.documents * typists.keystrokesPerSecond,
		prepare: typeFast,
	},
	{
		part: "draws",
		does: `${picturesPerSecond} pictures of 64 kB a second in a document that ${onlookers} others look at`,
		perSecond: picturesPerSecond,
		prepare: draw,
	},
	{
		part: "comes and goes",
		does: `a document of 1 MB that somebody has open, and others open ${joinsPerSecond} times a second`,
		perSecond: joinsPerSecond,
		prepare: (url) => open(url, true),
	},
	{
		part: "comes back",
		does: `a document of 1 MB that nobody else has open, and somebody opens and leaves ${joinsPerSecond} times a second`,
		perSecond: joinsPerSecond,
		prepare: (url) => open(url, false),
	},
];
