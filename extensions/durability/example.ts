import { Server } from "@hocuspocus/server";
import { Durability, SqliteStore } from "indelible/durability";

const server = new Server({
	port: Number(process.env.PORT ?? 1234),
	extensions: [
		new Durability({ store: new SqliteStore({ path: process.env.DATABASE ?? "documents.sqlite" }) }),
	],
});

await server.listen();
