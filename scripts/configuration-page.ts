import { fileURLToPath } from "node:url";
import { type Setting, settingChapters, settings } from "../server/settings.ts";

export const configurationPagePath = fileURLToPath(new URL("../docs/configuration.md", import.meta.url));

const introduction = `# Configuration

<!-- Written by \`npm run docs\` from server/settings.ts. -->

All settings of a node. None is needed to start one.

Each has a short name, a flag and an environment variable; what is allowed is in italics. A flag wins over an environment
variable, which wins over the configuration file, which wins over the default. The file is \`indelible.config.ts\` (or \`.mts\`,
\`.js\`, \`.mjs\`, \`.json\`) in the working folder, or what \`--config\` names; settings have their short names there, as in the
options of \`createNode\`. Whatever is unknown or impossible ends the start with exit code 2 and says what is allowed.

\`\`\`ts
import { defineConfig } from "indelible";

export default defineConfig({
	port: 8080,
	databaseUrl: process.env.DATABASE_URL,
	allowedOrigins: "https://app.example",
});
\`\`\`

A file that is code may also hold any [hook](https://tiptap.dev/docs/hocuspocus/server/hooks) of Hocuspocus, \`extensions\`, [\`seed\`](seeding.md), \`redis\`,
\`compaction\` and \`yDocOptions\`. Secrets belong into variables: other users of a machine can see flags.
`;

/** docs/configuration.md, as it is to be. */
export function configurationPage(): string {
	const chapters = settingChapters.map(({ title, names }) => {
		const rows = settings.filter(({ name }) => names.includes(name)).map(row);
		const head = ["| setting | default | |", "|---|---|---|"];
		return [`## ${title}`, "", ...head, ...rows].join("\n");
	});
	return `${[introduction, ...chapters].join("\n").replaceAll(/\n(?=## )/g, "\n\n")}\n`.replaceAll(
		/\n{3,}/g,
		"\n\n",
	);
}

function row({
	name,
	type,
	flag,
	variable,
	initial,
	initialText,
	allowedText,
	description,
}: Setting): string {
	// A switch that is on is written as the flag that turns it off.
	const shown = type === "boolean" && initial === true ? `--no-${flag.slice(2)}` : flag;
	const names = [name, shown, variable].map((written) => `\`${written}\``).join("<br>");
	return `| ${names} | ${initialText} | ${cell(description)}<br>*${cell(allowedText)}* |`;
}

function cell(text: string): string {
	return text.replaceAll("|", "\\|").replaceAll("*", "\\*");
}
