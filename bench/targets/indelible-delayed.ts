/** Our node, where an edit waits for others to share its commit. Argument: `TargetSettings`. */
import { serveIndelible } from "./indelible-server.ts";

await serveIndelible({ commitDelayMs: 250 });
