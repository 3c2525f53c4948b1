import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/start.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { keepAppOffline, reloadWhenOutdated } from "./offline-app.ts";
import { App } from "./shell/app.tsx";

reloadWhenOutdated();
keepAppOffline();

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has a #root");
createRoot(root).render(
	<StrictMode>
		<App />
	</StrictMode>,
);
