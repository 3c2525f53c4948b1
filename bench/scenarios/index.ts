import type { Scenario } from "../scenario.ts";
import { bytesScenario } from "./bytes.ts";
import { documentsScenario } from "./documents.ts";
import { killScenario } from "./kill.ts";
import { latencyScenario } from "./latency.ts";
import { twoNodesScenario } from "./two-nodes.ts";

/** All there are, in the order in which they run. */
export const scenarios: readonly Scenario[] = [
	killScenario,
	documentsScenario,
	bytesScenario,
	latencyScenario,
	twoNodesScenario,
];
