/** What a setting may be, and what people are told of it. */
export interface SettingKind<Value = unknown> {
	readonly type: "integer" | "boolean" | "string";
	readonly description: string;
	/** The default; `undefined` when there is none. */
	readonly initial: Value;
	/** What a number counts, for people. */
	readonly unit?: string | undefined;
	readonly minimum?: number;
	readonly maximum?: number;
	readonly choices?: readonly string[];
	/** What is allowed, to be read after "must be", instead of what the above says of it. */
	readonly allowed?: string | undefined;
	/** Whether its value may hold a password, and is not to be shown. */
	readonly isSecret?: boolean;
	/** @returns Whether a value is allowed; a text says why it is not, and holds nothing of it. */
	readonly check: (value: unknown) => boolean | string;
}

type Kinds = Readonly<Record<string, SettingKind>>;
type ValueOf<Kind> = Kind extends SettingKind<infer Value> ? Value : never;
type NamesOf<Of extends Kinds, HasDefault extends boolean> = {
	[Name in keyof Of]: undefined extends ValueOf<Of[Name]>
		? HasDefault extends true
			? never
			: Name
		: HasDefault extends true
			? Name
			: never;
}[keyof Of];
type Flat<Values> = { [Name in keyof Values]: Values[Name] };

/** The values of settings; those without a default may be missing. */
export type SettingValues<Of extends Kinds> = Readonly<
	Flat<
		{ [Name in NamesOf<Of, true>]: ValueOf<Of[Name]> } & {
			[Name in NamesOf<Of, false>]?: ValueOf<Of[Name]>;
		}
	>
>;

/** A whole number in bounds. */
export function whole(
	unit: string | undefined,
	minimum: number,
	maximum: number,
	initial: number,
	description: string,
): SettingKind<number> {
	const check = (value: unknown) => Number.isInteger(value) && isWithin(value as number, minimum, maximum);
	return { type: "integer", description, initial, unit, minimum, maximum, check };
}

function isWithin(value: number, minimum: number, maximum: number): boolean {
	return value >= minimum && value <= maximum;
}

/** On or off. */
export function toggle(initial: boolean, description: string): SettingKind<boolean> {
	return { type: "boolean", description, initial, check: (value) => typeof value === "boolean" };
}

/** One of some words. */
export function choice<const Choice extends string>(
	choices: readonly Choice[],
	initial: NoInfer<Choice>,
	description: string,
): SettingKind<Choice> {
	const check = (value: unknown) => choices.some((word) => word === value);
	return { type: "string", description, initial, choices, check };
}

export interface TextOptions {
	readonly description: string;
	readonly allowed?: string;
	readonly isSecret?: boolean;
	/** As {@link SettingKind.check}; any text that is not empty by default. */
	readonly check?: (text: string) => boolean | string;
}

/** A text that need not be given. */
export function text({ check = isSomething, ...rest }: TextOptions): SettingKind<string | undefined> {
	const initial = undefined;
	return { type: "string", initial, ...rest, check: (value) => typeof value === "string" && check(value) };
}

/** A text that has a default. */
export function textOr(initial: string, options: TextOptions): SettingKind<string> {
	return { ...text(options), initial };
}

function isSomething(text: string): boolean {
	return text !== "";
}

/** @returns A check that asks whether something does not throw: the error's message says why a text is not allowed. */
export function unlessItThrows(use: (text: string) => unknown): (text: string) => true | string {
	return (given) => {
		try {
			use(given);
			return true;
		} catch (error) {
			return (error as Error).message;
		}
	};
}
