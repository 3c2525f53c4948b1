import { z } from "zod";
import { connectionsListedMax } from "./bounds.ts";
import {
	type ConnectionFacts,
	type DocumentFacts,
	type DocumentList,
	documentFactsSchema,
	documentListSchema,
	documentQuerySchema,
	type Outcome,
	outcomeSchema,
	type Pulse,
	pulseSchema,
	slowReadersSchema,
} from "./facts.ts";

/** What the admin page of one node may ask of any node. */
export const questionSchema = z.discriminatedUnion("type", [
	/** `after`: of each node, the second up to which its samples are known. */
	z.object({ type: z.literal("pulse"), after: z.record(z.string().max(128), z.number()) }),
	z.object({ type: z.literal("documents"), query: documentQuerySchema }),
	z.object({ type: z.literal("document"), name: z.string(), isMeasured: z.boolean() }),
	z.object({ type: z.literal("slow-readers"), limit: z.number().int().min(1).max(connectionsListedMax) }),
	z.object({ type: z.literal("close-connection"), id: z.string().max(64) }),
	z.object({ type: z.literal("unload"), name: z.string() }),
	z.object({ type: z.literal("drain") }),
]);
export type Question = z.infer<typeof questionSchema>;

export interface Answers {
	readonly pulse: Pulse;
	readonly documents: DocumentList;
	/** `null` when it is not in memory there. */
	readonly document: DocumentFacts | null;
	readonly "slow-readers": readonly ConnectionFacts[];
	readonly "close-connection": Outcome;
	readonly unload: Outcome;
	readonly drain: Outcome;
}

export type QuestionType = Question["type"];

export const answerSchemas: { readonly [Type in QuestionType]: z.ZodType<Answers[Type]> } = {
	pulse: pulseSchema,
	documents: documentListSchema,
	document: documentFactsSchema.nullable(),
	"slow-readers": slowReadersSchema,
	"close-connection": outcomeSchema,
	unload: outcomeSchema,
	drain: outcomeSchema,
};

const identifier = z.string().min(1).max(128);

const messageSchema = z.discriminatedUnion("type", [
	z.object({
		type: z.literal("asked"),
		/** Of the question. */
		id: identifier,
		from: identifier,
		/** Nobody in particular: everybody. */
		to: identifier.optional(),
		question: questionSchema,
	}),
	z.object({
		type: z.literal("answered"),
		id: identifier,
		from: identifier,
		to: identifier,
		answer: z.unknown(),
	}),
]);

/** What nodes say to each other for their admin pages. */
export type AdminMessage = z.infer<typeof messageSchema>;

/** @returns `undefined` for what can't be understood, as from a later edition. */
export function readAdminMessage(payload: string): AdminMessage | undefined {
	try {
		return messageSchema.safeParse(JSON.parse(payload)).data;
	} catch {
		return undefined;
	}
}
