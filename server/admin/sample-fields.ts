/** One second of a node's life: a row of numbers, in this order. `null` where nothing happened that could be measured. */
export const sampleFields = [
	"atS",
	"connections",
	"documents",
	"editsPerS",
	"deliveriesPerS",
	"savedP50Ms",
	"savedP99Ms",
	"sentP50Ms",
	"sentP99Ms",
	"backlogBytes",
	"loopDelayMs",
	"memoryBytes",
	"cpuShare",
] as const;

export type SampleField = (typeof sampleFields)[number];
export type Sample = Readonly<Record<SampleField, number | null>> & { readonly atS: number };
export type SampleRow = readonly (number | null)[];
