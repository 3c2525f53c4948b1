import { writeFileSync } from "node:fs";
import { configurationPage, configurationPagePath } from "./configuration-page.ts";
import { metricsPage, metricsPagePath } from "./metrics-page.ts";

writeFileSync(configurationPagePath, configurationPage());
writeFileSync(metricsPagePath, await metricsPage());
