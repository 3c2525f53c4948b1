import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pagesWithFigures, pictures, readResults, resultsFolder, withFigures } from "./benchmarks-page.ts";
import { configurationPage, configurationPagePath } from "./configuration-page.ts";
import { metricsPage, metricsPagePath } from "./metrics-page.ts";

writeFileSync(configurationPagePath, configurationPage());
writeFileSync(metricsPagePath, await metricsPage());

const results = readResults();
for (const path of pagesWithFigures) writeFileSync(path, withFigures(readFileSync(path, "utf8"), results));
for (const [name, picture] of pictures(results)) writeFileSync(join(resultsFolder, name), picture);
