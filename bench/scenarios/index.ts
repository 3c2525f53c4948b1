import type { Scenario } from "../scenario.ts";
import { busScenario } from "./bus.ts";
import { bytesScenario } from "./bytes.ts";
import { coldJoinScenario } from "./cold-join.ts";
import { cursorsScenario } from "./cursors.ts";
import { documentsScenario } from "./documents.ts";
import { idleScenario } from "./idle.ts";
import { joinsScenario } from "./joins.ts";
import { killScenario } from "./kill.ts";
import { latencyScenario } from "./latency.ts";
import { nodeLossScenario } from "./node-loss.ts";
import { readersScenario } from "./readers.ts";
import { recoveryScenario } from "./recovery.ts";
import { restartScenario } from "./restart.ts";
import { slowReaderScenario } from "./slow-reader.ts";
import { tenantsScenario } from "./tenants.ts";
import { twoNodesScenario } from "./two-nodes.ts";
import { writersScenario } from "./writers.ts";

/** All there are, in the order in which they run. */
export const scenarios: readonly Scenario[] = [
	killScenario,
	writersScenario,
	readersScenario,
	cursorsScenario,
	documentsScenario,
	joinsScenario,
	coldJoinScenario,
	slowReaderScenario,
	restartScenario,
	idleScenario,
	latencyScenario,
	tenantsScenario,
	recoveryScenario,
	twoNodesScenario,
	nodeLossScenario,
	bytesScenario,
	busScenario,
];
