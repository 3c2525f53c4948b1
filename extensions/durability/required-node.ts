/** The first with `node:sqlite` and zstd in `node:zlib`, both stable enough. `bin/indelible.js` knows it, too. */
export const oldestNodeMajor = 24;

// For programs that import this package on a Node.js of their own. Import it before everything else: what comes after is not run.
if (Number(process.versions.node.split(".")[0]) < oldestNodeMajor) {
	throw new Error(
		`indelible needs Node.js ${oldestNodeMajor} or newer in a program of yours, and this is ${process.version}. ` +
			"(The command `indelible` brings one.)",
	);
}
