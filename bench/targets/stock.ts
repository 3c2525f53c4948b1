/** The stock server with its defaults. Argument: `TargetSettings`. */
import { serveStock } from "./stock-server.ts";

await serveStock();
