/** The stock server at its best with many people: it passes updates on together, every 25 ms. Argument: `TargetSettings`. */
import { serveStock } from "./stock-server.ts";

await serveStock({ flushDelay: 25 });
