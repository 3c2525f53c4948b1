import { giveWay } from "../storage/give-way.ts";
import { serve } from "../storage/worker-port.ts";
import { Compaction } from "./compaction.ts";
import type { ConnectionSettings } from "./connection-settings.ts";
import type { CompactionProtocol } from "./messages.ts";
import { errorCode } from "./postgres-error.ts";

/** The worker that merges, so that none of it holds up the event loop. */
serve<CompactionProtocol, ConnectionSettings>({
	answers: (settings) => {
		giveWay();
		const compaction = new Compaction(settings);
		return {
			compact: ({ documentName, gc }) => compaction.compact(documentName, gc),
			close: () => compaction.close(),
		};
	},
	errorCode,
});
