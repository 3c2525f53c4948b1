import { type SettingName, settings } from "./settings.ts";
import { type SettingProblem, SettingsError, theSettings } from "./settings-error.ts";

/** Where a setting was given: by its `flag`, in its `variable`, or in a file under its `name`. */
export interface Origin {
	readonly form: "flag" | "variable" | "name";
	/** To be read after "from". */
	readonly where: string;
}

export type Origins = ReadonlyMap<SettingName, Origin>;

const byName = new Map<string, (typeof settings)[number]>(settings.map((setting) => [setting.name, setting]));

/** What is wrong with settings, in the words of whoever gave them; any other error as it is. */
export function asGiven(error: unknown, origins: Origins): unknown {
	if (!(error instanceof SettingsError)) return error;
	return new SettingsError(error.problems.map((problem) => problemAsGiven(problem, origins)));
}

function problemAsGiven(said: SettingProblem, origins: Origins): SettingProblem {
	const setting = byName.get(said.name);
	const origin = setting === undefined ? undefined : origins.get(setting.name);
	if (said.where !== theSettings || origin === undefined) return said;
	const { form, where } = origin;
	const written = (name: string) => byName.get(name)?.[form] ?? name;
	const problem = (said.others ?? []).reduce(
		(text, other) => text.replaceAll(new RegExp(`\\b${other}\\b`, "g"), written(other)),
		said.problem,
	);
	return { where, name: written(said.name), problem };
}
