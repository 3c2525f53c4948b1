/** The arrows of the layout: server → extensions → libraries; browsers and their tests meet the server on the wire only. */
export default {
	forbidden: [
		{ name: "no-circular", severity: "error", from: {}, to: { circular: true } },
		{
			name: "extensions-know-no-server",
			comment: "Every extension works on a stock Hocuspocus server, so it can't reach into ours.",
			severity: "error",
			from: { path: "^extensions" },
			to: { path: "^(server|demo-editor|test|e2e|bench|scripts)" },
		},
		{
			name: "server-knows-no-tests",
			severity: "error",
			from: { path: "^server" },
			to: { path: "^(demo-editor|test|e2e|bench|scripts)" },
		},
		{
			name: "browser-meets-server-on-the-wire",
			severity: "error",
			from: { path: "^(demo-editor|e2e)" },
			to: { path: "^(server|extensions)" },
		},
	],
	options: {
		doNotFollow: { path: "node_modules" },
		tsPreCompilationDeps: true,
		enhancedResolveOptions: { extensions: [".ts", ".tsx", ".js"] },
	},
};
