/** The package's own folder: this file is in `server/` in a checkout, and in `dist/server/` when installed, or believes so (scripts/build-server.ts). */
export const packageFolder = new URL(import.meta.url.endsWith(".ts") ? "../" : "../../", import.meta.url);
