/** Our node, with its defaults. Argument: `TargetSettings`. */
import { serveIndelible } from "./indelible-server.ts";

await serveIndelible();
