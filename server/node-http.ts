/**
 * `node:http` as `require` gives it. An `import` of it reads all that it exports, a WebSocket client and `fetch` among them: undici, HTTP/2
 * and TLS, 30 ms of a start and 16 MB, which a node has no use for. Whatever a node runs from its start on takes it from here.
 */
export const { createServer, STATUS_CODES } = process.getBuiltinModule("node:http");
