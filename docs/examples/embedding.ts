import { createServer, type RequestListener } from "node:http";
import { Metrics } from "../../extensions/metrics/index.ts";
import { createNode, type NodeOptions, OperatorRoutes } from "../../server/index.ts";

// The example of docs/embedding.md, which quotes this file. test/integration/embedding.test.ts runs it.

export async function startApplication(
	options: NodeOptions,
	adminToken: string,
	yourRoutes: RequestListener,
) {
	const metrics = new Metrics();
	const node = await createNode({ ...options, extensions: [metrics] });
	const operators = new OperatorRoutes(node, { metrics, adminToken });
	const server = createServer(async (request, response) => {
		if (!(await operators.handle(request, response))) yourRoutes(request, response);
	});
	server.on("upgrade", (request, socket, head) => {
		if (request.url?.startsWith("/collaboration")) node.handleUpgrade(request, socket, head);
		else socket.destroy();
	});
	const stop = async () => {
		const { drained } = await node.close();
		operators.close();
		server.close();
		server.closeAllConnections();
		return drained;
	};
	return { server, stop };
}
