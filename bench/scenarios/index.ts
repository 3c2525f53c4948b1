import type { Scenario } from "../scenario.ts";
import { bytesScenario } from "./bytes.ts";

/** All there are, in the order in which they run. */
export const scenarios: readonly Scenario[] = [bytesScenario];
